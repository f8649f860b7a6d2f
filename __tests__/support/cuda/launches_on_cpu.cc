// In the place of native/cuda/launches.cc: the kernels as functions of this process, their threads one after the
// other; with THREADS=backward the last one first. Fewer threads than items, so that each takes several.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace {

struct Index {
  unsigned x;
};
Index blockIdx, blockDim, gridDim, threadIdx;

}  // namespace

#include "cuda/kernels.cu"
#include "cuda/launches.h"

namespace spikingformer {
namespace {

constexpr unsigned kThreads = 8, kMostBlocks = 5;

/** Calls a kernel with arguments that pointers point to, as CUDA's driver does. */
template <auto kKernel>
struct Caller;
template <class... Arguments, void (*kKernel)(Arguments...)>
struct Caller<kKernel> {
  template <size_t... kPlaces>
  static void Unpack(void** arguments, std::index_sequence<kPlaces...>) {
    kKernel(*static_cast<Arguments*>(arguments[kPlaces])...);
  }
  static void Call(void** arguments) { Unpack(arguments, std::index_sequence_for<Arguments...>()); }
};

#define KERNEL_NAMED(name) {#name, Caller<name>::Call}
const std::map<std::string, void (*)(void**)> kKernels = {
    KERNEL_NAMED(lif_forward),         KERNEL_NAMED(lif_gradient),
    KERNEL_NAMED(lif_decay_sums),      KERNEL_NAMED(lif_decay_gradient),
    KERNEL_NAMED(norm_moments),        KERNEL_NAMED(norm_merge_moments),
    KERNEL_NAMED(norm_variance),       KERNEL_NAMED(norm_scale),
    KERNEL_NAMED(norm_forward),        KERNEL_NAMED(norm_lif_forward),
    KERNEL_NAMED(norm_lif_gradient),   KERNEL_NAMED(norm_gradient_sums),
    KERNEL_NAMED(norm_weight_gradients), KERNEL_NAMED(norm_gradient),
    KERNEL_NAMED(add_parts),           KERNEL_NAMED(pool_forward),
    KERNEL_NAMED(pool_gradient),       KERNEL_NAMED(head_product),
    KERNEL_NAMED(adamw),               KERNEL_NAMED(blend),
    KERNEL_NAMED(running_statistics)};

bool Backward() {
  const char* const order = std::getenv("THREADS");
  return order && std::string(order) == "backward";
}

}  // namespace

Launches::Launches(Call& call, TF_OpKernelContext*) : call_(call), stream_(nullptr) {}
Launches::~Launches() = default;

void Launches::Launch(const char* kernel, int64_t items, void** arguments) {
  if (!call_.ok() || items == 0) return;
  const auto found = kKernels.find(kernel);
  if (found == kKernels.end()) return call_.Fail(std::string("no kernel ") + kernel);
  const int64_t blocks = (items + kThreads - 1) / kThreads;
  blockDim.x = kThreads;
  gridDim.x = static_cast<unsigned>(std::min<int64_t>(blocks, kMostBlocks));
  const unsigned count = gridDim.x * kThreads;
  for (unsigned i = 0; i < count; i++) {
    const unsigned thread = Backward() ? count - 1 - i : i;
    blockIdx.x = thread / kThreads;
    threadIdx.x = thread % kThreads;
    found->second(arguments);
  }
}

}  // namespace spikingformer
