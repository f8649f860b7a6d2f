// bench FOLDER: the kernels of the folder that `native install` compiled (lib/napi-v8/cuda in
// tfjs-node-gpu), timed on this machine's first GPU, beside a copy of as many bytes on it. Prints
// CSV: kernel, milliseconds (the least of many), gigabytes per second of what it must read and
// write, and their share of the copy's. Build, in native/cuda: g++ -std=c++17 -O2 bench.cc
// driver.cc -ldl -o bench
#include <dlfcn.h>

#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver.h"
#include "kernels.h"

namespace spikingformer {
namespace {

using Pointer = unsigned long long;
using Event = void*;

/** Runs of which the fastest counts. */
constexpr int kRuns = 50;
constexpr int64_t kThreads = 256;

/** What is needed of the driver besides driver.h. */
class Gpu {
 public:
  explicit Gpu(const std::string& folder) : folder_(folder), driver_(TheDriver()) {
    if (!driver_.error.empty()) throw std::runtime_error(driver_.error);
    CUcontext context = nullptr;
    Call<CUcontext*, CUdevice>("cuDevicePrimaryCtxRetain", &context, 0);
    Check(driver_.PushCurrent(context));
    Call<Event*, unsigned>("cuEventCreate", &start_, 0);
    Call<Event*, unsigned>("cuEventCreate", &end_, 0);
  }

  std::string Name() const {
    char name[256] = {};
    Call<char*, int, CUdevice>("cuDeviceGetName", name, sizeof name, 0);
    return name;
  }

  /** Numbers on the GPU, all zero, of which nobody is freed. */
  float* New(int64_t count) const {
    Pointer pointer = 0;
    Call<Pointer*, size_t>("cuMemAlloc_v2", &pointer, count * sizeof(float));
    Call<Pointer, unsigned, size_t>("cuMemsetD32_v2", pointer, 0, count);
    return reinterpret_cast<float*>(pointer);
  }

  void Copy(float* to, const float* from, int64_t count) const {
    Call<Pointer, Pointer, size_t, CUstream>("cuMemcpyDtoDAsync_v2", reinterpret_cast<Pointer>(to),
                                             reinterpret_cast<Pointer>(from), count * sizeof(float),
                                             nullptr);
  }

  template <class... Parameters, class... Arguments>
  void Launch(const char* name, void (*)(int64_t, Parameters...), int64_t items,
              Arguments... given) const {
    std::string error;
    const CUfunction kernel = FindKernel(folder_, name, error);
    if (!kernel) throw std::runtime_error(error);
    const auto launch = [&](Parameters... arguments) {
      void* pointers[] = {&items, &arguments...};
      const auto blocks = static_cast<unsigned>((items + kThreads - 1) / kThreads);
      Check(driver_.LaunchKernel(kernel, blocks, 1, 1, kThreads, 1, 1, 0, nullptr, pointers,
                                 nullptr));
    };
    launch(given...);
  }

  /** Milliseconds of the fastest run. */
  template <class Run>
  float Time(const Run& run) const {
    float least = 1e30f;
    for (int i = 0; i < kRuns; i++) {
      Call<Event, CUstream>("cuEventRecord", start_, nullptr);
      run();
      Call<Event, CUstream>("cuEventRecord", end_, nullptr);
      Call<Event>("cuEventSynchronize", end_);
      float milliseconds = 0;
      Call<float*, Event, Event>("cuEventElapsedTime", &milliseconds, start_, end_);
      least = std::min(least, milliseconds);
    }
    return least;
  }

 private:
  void Check(CUresult result) const {
    if (result) throw std::runtime_error(driver_.Message(result));
  }

  template <class... Parameters>
  void Call(const char* name, Parameters... arguments) const {
    static void* const library = dlopen("libcuda.so.1", RTLD_NOW);
    using Function = CUresult (*)(Parameters...);
    const auto function = reinterpret_cast<Function>(dlsym(library, name));
    if (!function) throw std::runtime_error(std::string("CUDA's driver has no ") + name);
    Check(function(arguments...));
  }

  std::string folder_;
  const Driver& driver_;
  Event start_ = nullptr, end_ = nullptr;
};

#define TIMED(gpu, kernel, ...) \
  gpu.Time([&] { gpu.Launch(#kernel, static_cast<decltype(&kernel)>(nullptr), __VA_ARGS__); })

/** The shapes of a training step of Spikingformer-4-384: [64, 4, 32, 32, 192] and as many neurons'
 * weights. */
void Bench(const Gpu& gpu) {
  const int64_t channels = 192, places = 32 * 32, samples = 64, time = 4;
  const int64_t neurons = samples * places * channels, size = neurons * time;
  const Neurons lif = {time,
                       places * channels,
                       places * channels,
                       1.0f,
                       0.0f,
                       0.5f,
                       false,
                       false,
                       true,
                       false,
                       0.5f,
                       4.0f,
                       kSigmoid,
                       true};
  float *const a = gpu.New(size), *const b = gpu.New(size), *const c = gpu.New(size);
  float *const d = gpu.New(size), *const few = gpu.New(channels);

  std::cout << "kernel,milliseconds,gigabytes per second,share of a copy on " << gpu.Name()
            << std::endl;
  float copied = 0;
  const auto print = [&](const char* name, float milliseconds, double passes) {
    const double rate = passes * size * sizeof(float) / milliseconds / 1e6;
    if (copied == 0) copied = static_cast<float>(rate);
    std::cout << name << "," << milliseconds << "," << rate << "," << rate / copied << std::endl;
  };
  const float* const none = nullptr;
  float* const nowhere = nullptr;
  print("copy", gpu.Time([&] { gpu.Copy(a, b, size); }), 2);
  print("lif_forward", TIMED(gpu, lif_forward, neurons, lif, a, none, none, b, nowhere), 2);
  print("lif_gradient",
        TIMED(gpu, lif_gradient, neurons, lif, a, none, none, b, none, c, nowhere, nowhere), 3);
  print("norm_lif_forward",
        TIMED(gpu, norm_lif_forward, neurons, lif, channels, a, few, few, few, b), 2);
  print("norm_lif_gradient",
        TIMED(gpu, norm_lif_gradient, neurons, lif, channels, a, few, few, few, b, c), 3);
  print("norm_gradient", TIMED(gpu, norm_gradient, size, channels, a, b, few, few, few, few, c), 3);
  const Pool pool = {32, 32, channels, 16, 16, 3, 2, 1};
  print("pool_gradient", TIMED(gpu, pool_gradient, size, pool, a, b, c), 2.25);
  // m and v are read from where they are written to.
  print("adamw", TIMED(gpu, adamw, size, a, b, c, d, few, a, c, d), 7);
}

}  // namespace
}  // namespace spikingformer

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: bench FOLDER" << std::endl;
    return 2;
  }
  try {
    spikingformer::Bench(spikingformer::Gpu(arguments[1]));
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << std::endl;
    return 1;
  }
  return 0;
}
