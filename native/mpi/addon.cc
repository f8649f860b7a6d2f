// MPI for Node: a thread of its own makes every call of MPI (messenger.h), so that the event loop
// never waits and the library needs no support for threads; what JavaScript asks for is started in
// order, as collectives must be on every rank.
#include <unistd.h>

#include <chrono>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "messenger.h"

namespace spikingformer {
namespace {

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

napi_value Init(napi_env env, napi_value exports) {
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

}  // namespace
}  // namespace spikingformer

NAPI_MODULE_INIT() { return spikingformer::Init(env, exports); }
