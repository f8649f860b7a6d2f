#include "thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace spikingformer {
namespace {

/**
 * TF_NUM_INTRAOP_THREADS, which TensorFlow reads too, or the processors that this process may use.
 */
int CountThreads() {
  const char* given = std::getenv("TF_NUM_INTRAOP_THREADS");
  const int wanted = given ? std::atoi(given) : 0;
  return wanted > 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
}

/**
 * How long threads look for what they wait for, all together, before they sleep. To wake one takes
 * a while, longer on a virtual machine, and the next loop often begins sooner. Of many threads each
 * has a small share: a container may have fewer processors than it sees.
 */
constexpr std::chrono::microseconds kPatience{200};

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Looks for a while whether `ready`, and returns whether it is. */
template <class Ready>
bool LookOut(const Ready& ready) {
  // A thread without a processor of its own would keep it from those that work.
  static const bool alone = Threads() <= static_cast<int>(std::thread::hardware_concurrency());
  if (!alone) return ready();
  const auto end = std::chrono::steady_clock::now() + kPatience / (Threads() - 1);
  do {
    for (int i = 0; i < 16; i++) {
      if (ready()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

class Pool {
 public:
  Pool() {
    for (int i = 1; i < Threads(); i++) std::thread([this] { Work(); }).detach();
  }

  void Run(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
    std::unique_lock<std::mutex> only(running_, std::try_to_lock);
    if (!only.owns_lock()) return body(0, count);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      count_ = count;
      grain_ = grain;
      next_ = 0;
      busy_ = Threads() - 1;
      loop_++;
    }
    start_.notify_all();
    TakePieces();
    const auto done = [this] { return busy_ == 0; };
    if (LookOut(done)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, done);
  }

 private:
  void Work() {
    for (int64_t seen = 0;; seen++) {
      const auto begun = [&] { return loop_ != seen; };
      if (!LookOut(begun)) {
        std::unique_lock<std::mutex> lock(mutex_);
        start_.wait(lock, begun);
      }
      TakePieces();
      if (--busy_ > 0) continue;
      std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_one();
    }
  }

  void TakePieces() {
    for (;;) {
      const int64_t begin = next_.fetch_add(grain_);
      if (begin >= count_) return;
      (*body_)(begin, std::min(begin + grain_, count_));
    }
  }

  std::mutex running_;  // held by the one loop that has the threads
  std::mutex mutex_;    // held by whoever changes what a sleeping thread waits for
  std::condition_variable start_, done_;
  // Written while no thread is busy, before loop_, which tells the threads.
  const std::function<void(int64_t, int64_t)>* body_ = nullptr;
  int64_t count_ = 0, grain_ = 1;
  std::atomic<int64_t> next_{0}, loop_{0};
  std::atomic<int> busy_{0};
};

}  // namespace

int Threads() {
  static const int threads = CountThreads();
  return threads;
}

void ParallelFor(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (count <= grain || Threads() == 1) return body(0, count);
  static Pool* const pool = new Pool;  // never deleted: its threads end with the process
  pool->Run(count, grain, body);
}

}  // namespace spikingformer
