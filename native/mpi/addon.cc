// MPI for Node: one thread makes every call of MPI, so that the event loop never waits and the
// library needs no support for threads; what JavaScript asks for is started in order, as
// collectives must be on every rank. The bindings to C++ that MPI has dropped are not wanted.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <node_api.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

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

struct World {
  int rank = 0;
  int size = 0;
  int local_rank = 0;
  int local_size = 0;
  std::string library;
};

std::string TextOf(int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) return "unknown error of MPI";
  return std::string(text, length);
}

/** The thread that calls MPI, and its queue. */
class Messenger {
 public:
  void Start(napi_threadsafe_function settle) {
    settle_ = settle;
    thread_ = std::thread([this] { Loop(); });
    thread_.detach();  // A process that ends without finalize ends with it.
  }

  void Post(Task* task) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      posted_.push_back(task);
    }
    wake_.notify_all();
  }

  /** Blocks until the task is done; false if that takes longer than `limit`, 0 being forever. */
  bool Wait(Task* task, std::chrono::seconds limit) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto is_done = [&] { return task->done; };
    if (limit.count() > 0) return finished_.wait_for(lock, limit, is_done);
    finished_.wait(lock, is_done);
    return true;
  }

  const World& world() const { return world_; }

 private:
  void Loop() {
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

  std::deque<Task*> Posted(bool wait) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (wait) wake_.wait(lock, [this] { return !posted_.empty(); });
    return std::move(posted_);
  }

  /** Whether one of them has come to its end. */
  bool Progress(std::vector<Task*>* active) {
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

  void Begin(Task* task) {
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

  int Init() {
    int provided = 0;
    int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SINGLE, &provided);
    if (code != MPI_SUCCESS) return code;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &world_.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world_.size);
    MPI_Comm local;
    code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, world_.rank, MPI_INFO_NULL,
                               &local);
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

  void Finish(Task* task) {
    if (!task->waits) {
      napi_call_threadsafe_function(settle_, task, napi_tsfn_nonblocking);
      return;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    task->done = true;
    finished_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  std::deque<Task*> posted_;
  World world_;
  napi_threadsafe_function settle_ = nullptr;
  std::thread thread_;
};

/** Lives as long as the process: its thread may outlive what JavaScript can still reach. */
Messenger& TheMessenger() {
  static Messenger* messenger = new Messenger();
  return *messenger;
}

napi_value Text(napi_env env, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.c_str(), text.size(), &value);
  return value;
}

void Set(napi_env env, napi_value object, const char* name, int number) {
  napi_value value;
  napi_create_int32(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

napi_value WorldObject(napi_env env, const World& world) {
  napi_value object;
  napi_create_object(env, &object);
  Set(env, object, "rank", world.rank);
  Set(env, object, "size", world.size);
  Set(env, object, "localRank", world.local_rank);
  Set(env, object, "localSize", world.local_size);
  napi_set_named_property(env, object, "library", Text(env, world.library));
  return object;
}

/** Keeps the process alive while a promise is open, and no longer. */
class Keeper {
 public:
  void Start(napi_env env, napi_threadsafe_function settle) {
    settle_ = settle;
    napi_unref_threadsafe_function(env, settle_);
  }
  void Open(napi_env env) {
    if (open_++ == 0) napi_ref_threadsafe_function(env, settle_);
  }
  void Close(napi_env env) {
    if (--open_ == 0) napi_unref_threadsafe_function(env, settle_);
  }

 private:
  napi_threadsafe_function settle_ = nullptr;
  int open_ = 0;
};

Keeper keeper;

/** On JavaScript's thread: keeps or breaks the promise of a task. */
void Settle(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Task> task(static_cast<Task*>(data));
  if (env == nullptr) return;
  keeper.Close(env);
  for (napi_ref array : task->arrays) napi_delete_reference(env, array);
  if (!task->error.empty()) {
    napi_value error;
    napi_create_error(env, nullptr, Text(env, task->error), &error);
    napi_reject_deferred(env, task->deferred, error);
    return;
  }
  napi_value value;
  if (task->kind == Kind::kInit) {
    value = WorldObject(env, TheMessenger().world());
  } else {
    napi_get_undefined(env, &value);
  }
  napi_resolve_deferred(env, task->deferred, value);
}

/** Memory and type of a typed array; false, with an exception, if it is another value. */
bool Read(napi_env env, napi_value value, Task* task, void** data, int* count) {
  bool is_array = false;
  napi_typedarray_type type;
  size_t length = 0;
  if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, value, &type, &length, data, nullptr, nullptr) != napi_ok) {
    napi_throw_type_error(env, nullptr, "array must be a typed array");
    return false;
  }
  if (length > 0x7fffffff) {
    napi_throw_range_error(env, nullptr, "array must have fewer than 2^31 elements");
    return false;
  }
  *count = static_cast<int>(length);
  switch (type) {
    case napi_float32_array: task->type = MPI_FLOAT; return true;
    case napi_float64_array: task->type = MPI_DOUBLE; return true;
    case napi_int32_array: task->type = MPI_INT32_T; return true;
    case napi_uint8_array: task->type = MPI_UINT8_T; return true;
    default:
      napi_throw_type_error(env, nullptr,
                            "array must be of float32, float64, int32 or uint8 numbers");
      return false;
  }
}

/** Posts a task and returns its promise. */
napi_value Post(napi_env env, std::unique_ptr<Task> task,
                const std::vector<napi_value>& arrays = {}) {
  napi_value promise;
  if (napi_create_promise(env, &task->deferred, &promise) != napi_ok) return nullptr;
  for (napi_value array : arrays) {
    napi_ref reference;
    if (napi_create_reference(env, array, 1, &reference) == napi_ok) {
      task->arrays.push_back(reference);
    }
  }
  keeper.Open(env);
  TheMessenger().Post(task.release());
  return promise;
}

/** The arguments of a call; those that are missing are undefined. */
std::vector<napi_value> Arguments(napi_env env, napi_callback_info info, size_t count) {
  std::vector<napi_value> values(count);
  napi_get_cb_info(env, info, &count, values.data(), nullptr, nullptr);
  return values;
}

std::unique_ptr<Task> NewTask(Kind kind) {
  auto task = std::make_unique<Task>();
  task->kind = kind;
  return task;
}

napi_value Sum(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 1);
  auto task = NewTask(Kind::kSum);
  if (!Read(env, arguments[0], task.get(), &task->data, &task->count)) return nullptr;
  return Post(env, std::move(task), arguments);
}

/** The same, and JavaScript waits: for what must be known before the next operation. */
napi_value SumNow(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 1);
  auto task = NewTask(Kind::kSum);
  if (!Read(env, arguments[0], task.get(), &task->data, &task->count)) return nullptr;
  task->waits = true;
  TheMessenger().Post(task.get());
  TheMessenger().Wait(task.get(), std::chrono::seconds(0));
  if (!task->error.empty()) napi_throw_error(env, nullptr, task->error.c_str());
  return nullptr;
}

napi_value Broadcast(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 2);
  auto task = NewTask(Kind::kBroadcast);
  if (!Read(env, arguments[0], task.get(), &task->data, &task->count)) return nullptr;
  napi_get_value_int32(env, arguments[1], &task->number);
  return Post(env, std::move(task), {arguments[0]});
}

napi_value Allgather(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 2);
  auto task = NewTask(Kind::kAllgather);
  int total = 0;
  if (!Read(env, arguments[1], task.get(), &task->output, &total)) return nullptr;
  const MPI_Datatype type = task->type;
  if (!Read(env, arguments[0], task.get(), &task->data, &task->count)) return nullptr;
  if (task->type != type || total != task->count * TheMessenger().world().size) {
    napi_throw_range_error(env, nullptr,
                           "output must be of the array's type and, for each rank, of its length");
    return nullptr;
  }
  return Post(env, std::move(task), arguments);
}

template <Kind kind>
napi_value Simple(napi_env env, napi_callback_info) {
  return Post(env, NewTask(kind));
}

/** Ends the processes of every rank; this one too, should MPI not do it. */
napi_value Abort(napi_env env, napi_callback_info info) {
  const auto arguments = Arguments(env, info, 1);
  Task* task = NewTask(Kind::kAbort).release();  // Its thread may still look at it.
  napi_get_value_int32(env, arguments[0], &task->number);
  task->waits = true;
  TheMessenger().Post(task);
  TheMessenger().Wait(task, std::chrono::seconds(5));
  _exit(task->number);
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_threadsafe_function settle;
  if (napi_create_threadsafe_function(env, nullptr, nullptr, Text(env, "mpi"), 0, 1, nullptr,
                                      nullptr, nullptr, Settle, &settle) != napi_ok) {
    napi_throw_error(env, nullptr, "no function for the threads of MPI");
    return exports;
  }
  keeper.Start(env, settle);
  TheMessenger().Start(settle);
  const napi_property_descriptor methods[] = {
      {"init", nullptr, Simple<Kind::kInit>, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sum", nullptr, Sum, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sumNow", nullptr, SumNow, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"broadcast", nullptr, Broadcast, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"allgather", nullptr, Allgather, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"barrier", nullptr, Simple<Kind::kBarrier>, nullptr, nullptr, nullptr, napi_enumerable,
       nullptr},
      {"finalize", nullptr, Simple<Kind::kFinalize>, nullptr, nullptr, nullptr, napi_enumerable,
       nullptr},
      {"abort", nullptr, Abort, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, std::size(methods), methods);
  Set(env, exports, "interface", SPIKINGFORMER_MPI_INTERFACE);
  return exports;
}
