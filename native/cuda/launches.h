// How an op runs kernels on a GPU: one after the other, on TensorFlow's own stream.
#pragma once

#include <string>

#include "../op.h"
#include "kernels.h"

namespace spikingformer {

/** The kernels that one call of an op runs. Its first error is the call's, and nothing runs after
 * it. */
class Launches {
 public:
  Launches(Call& call, TF_OpKernelContext* context);
  ~Launches();
  Launches(const Launches&) = delete;
  Launches& operator=(const Launches&) = delete;

  /** `arguments` point to the kernel's, of the types that kernels.h says. */
  void Launch(const char* kernel, int64_t items, void** arguments);

  /** Memory on the GPU for what kernels hand on. */
  template <class T>
  T* Temporary(int64_t count) {
    return static_cast<T*>(call_.Temporary(count * sizeof(T)));
  }

 private:
  void Check(int result, const char* what);

  Call& call_;
  void* const stream_;
  bool pushed_ = false;
};

/** A kernel of kernels.h, called as a function. */
template <class Function>
struct Kernel;
template <class... Arguments>
struct Kernel<void(int64_t, Arguments...)> {
  Launches& launches;
  const char* name;

  void operator()(int64_t items, Arguments... arguments) const {
    void* pointers[] = {&items, &arguments...};
    launches.Launch(name, items, pointers);
  }
};
#define LAUNCH(launches, kernel) \
  Kernel<decltype(kernel)> { launches, #kernel }

/** TensorFlow's stream of a call: stream.cc. Null of a build without: launches then wait for the
 * GPU (no_stream.cc). */
void* StreamOf(TF_OpKernelContext* context);
extern const bool kOnStream;

}  // namespace spikingformer
