// One thread starts what is posted and asks MPI about it until it is done.
#include "messenger.h"

namespace spikingformer {
namespace {

std::string TextOf(int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) return "unknown error of MPI";
  return std::string(text, length);
}

}  // namespace

void Messenger::Start(napi_threadsafe_function settle) {
  settle_ = settle;
  thread_ = std::thread([this] { Loop(); });
  thread_.detach();  // A process that ends without finalize ends with it.
}

void Messenger::Post(Task* task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted_.push_back(task);
  }
  wake_.notify_all();
}

bool Messenger::Wait(Task* task, std::chrono::seconds limit) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto is_done = [&] { return task->done; };
  if (limit.count() > 0) return finished_.wait_for(lock, limit, is_done);
  finished_.wait(lock, is_done);
  return true;
}

void Messenger::Loop() {
  std::vector<Task*> active;
  int idle = 0;
  for (bool open = true; open;) {
    for (Task* task : Posted(active.empty())) {
      if (task->kind == Kind::kFinalize) open = false;
      Begin(task);
      if (task->request == MPI_REQUEST_NULL) {
        Finish(task);
      } else {
        active.push_back(task);
      }
    }
    idle = Progress(&active) ? 0 : idle + 1;
    // The processor is for those who compute: at first only a turn is given away, then time.
    if (idle > 2000) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    } else if (idle > 0) {
      std::this_thread::yield();
    }
  }
}

std::deque<Task*> Messenger::Posted(bool wait) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (wait) wake_.wait(lock, [this] { return !posted_.empty(); });
  return std::move(posted_);
}

bool Messenger::Progress(std::vector<Task*>* active) {
  bool progress = false;
  for (size_t i = 0; i < active->size();) {
    Task* task = (*active)[i];
    int done = 0;
    const int code = MPI_Test(&task->request, &done, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) task->error = TextOf(code);
    if (code == MPI_SUCCESS && !done) {
      i++;
      continue;
    }
    active->erase(active->begin() + i);
    Finish(task);
    progress = true;
  }
  return progress;
}

void Messenger::Begin(Task* task) {
  int code = MPI_SUCCESS;
  switch (task->kind) {
    case Kind::kInit: code = Init(); break;
    case Kind::kSum:
      code = MPI_Iallreduce(MPI_IN_PLACE, task->data, task->count, task->type, MPI_SUM,
                            MPI_COMM_WORLD, &task->request);
      break;
    case Kind::kBroadcast:
      code = MPI_Ibcast(task->data, task->count, task->type, task->number, MPI_COMM_WORLD,
                        &task->request);
      break;
    case Kind::kAllgather:
      code = MPI_Iallgather(task->data, task->count, task->type, task->output, task->count,
                            task->type, MPI_COMM_WORLD, &task->request);
      break;
    case Kind::kBarrier: code = MPI_Ibarrier(MPI_COMM_WORLD, &task->request); break;
    case Kind::kFinalize: code = MPI_Finalize(); break;
    case Kind::kAbort: code = MPI_Abort(MPI_COMM_WORLD, task->number); break;
  }
  if (code != MPI_SUCCESS) {
    task->error = TextOf(code);
    task->request = MPI_REQUEST_NULL;
  }
}

int Messenger::Init() {
  int provided = 0;
  int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SINGLE, &provided);
  if (code != MPI_SUCCESS) return code;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &world_.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world_.size);
  MPI_Comm local;
  code =
      MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, world_.rank, MPI_INFO_NULL, &local);
  if (code != MPI_SUCCESS) return code;
  MPI_Comm_rank(local, &world_.local_rank);
  MPI_Comm_size(local, &world_.local_size);
  MPI_Comm_free(&local);
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  if (MPI_Get_library_version(version, &length) == MPI_SUCCESS) {
    world_.library = std::string(version, length);
  }
  return MPI_SUCCESS;
}

void Messenger::Finish(Task* task) {
  if (!task->waits) {
    napi_call_threadsafe_function(settle_, task, napi_tsfn_nonblocking);
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  task->done = true;
  finished_.notify_all();
}

}  // namespace spikingformer
