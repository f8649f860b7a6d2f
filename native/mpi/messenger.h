// The thread that makes every call of MPI, and what it is asked for.
#pragma once

// The bindings to C++ that MPI has dropped are not wanted.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <node_api.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace spikingformer {

enum class Kind { kInit, kSum, kBroadcast, kAllgather, kBarrier, kFinalize, kAbort };

/** What one call of JavaScript asks for, and what became of it. */
struct Task {
  Kind kind;
  void* data = nullptr;
  void* output = nullptr;
  int count = 0;
  MPI_Datatype type = MPI_BYTE;
  /** The rank that broadcasts, or the status of an abort. */
  int number = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  std::string error;
  /** Of a call that waits. */
  bool waits = false;
  bool done = false;
  /** Of one that does not: its promise, and what keeps its memory alive. */
  napi_deferred deferred = nullptr;
  std::vector<napi_ref> arrays;
};

/** Where this process stands among those of the job, and of its machine. */
struct World {
  int rank = 0;
  int size = 0;
  int local_rank = 0;
  int local_size = 0;
  std::string library;
};

/** The thread that calls MPI, and its queue: what is asked for is started in order. */
class Messenger {
 public:
  /** `settle` is called, on JavaScript's thread, with each task that nobody waits for, once it is
   * done. */
  void Start(napi_threadsafe_function settle);

  void Post(Task* task);

  /** Blocks until the task is done; false if that takes longer than `limit`, 0 being forever. */
  bool Wait(Task* task, std::chrono::seconds limit);

  const World& world() const { return world_; }

 private:
  void Loop();
  /** What was posted since; waits for some if `wait`. */
  std::deque<Task*> Posted(bool wait);
  /** Whether one of them has come to its end. */
  bool Progress(std::vector<Task*>* active);
  void Begin(Task* task);
  int Init();
  void Finish(Task* task);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  std::deque<Task*> posted_;
  World world_;
  napi_threadsafe_function settle_ = nullptr;
  std::thread thread_;
};

}  // namespace spikingformer
