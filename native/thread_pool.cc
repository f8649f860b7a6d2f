#include "thread_pool.h"

#include <algorithm>
#include <atomic>
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
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void Work() {
    for (int64_t seen = 0;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        start_.wait(lock, [&] { return loop_ != seen; });
        seen = loop_;
      }
      TakePieces();
      std::lock_guard<std::mutex> lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
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
  std::mutex mutex_;    // guards what follows
  std::condition_variable start_, done_;
  const std::function<void(int64_t, int64_t)>* body_ = nullptr;
  int64_t count_ = 0, grain_ = 1, loop_ = 0;
  int busy_ = 0;
  std::atomic<int64_t> next_{0};
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
