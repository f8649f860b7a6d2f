#include "launches.h"

#include <dlfcn.h>

#include <algorithm>
#include <string>

#include "driver.h"

namespace spikingformer {
namespace {

constexpr int64_t kThreads = 256;
/** More blocks than any GPU runs at once: threads then take several items. */
constexpr int64_t kMostBlocks = 1 << 20;

/** `native install` puts the kernels beside the addon. */
std::string KernelsFolder() {
  Dl_info info = {};
  dladdr(reinterpret_cast<void*>(&KernelsFolder), &info);
  const std::string addon = info.dli_fname ? info.dli_fname : "";
  return addon.substr(0, addon.rfind('/')) + "/cuda";
}

}  // namespace

void Launches::Check(int result, const char* what) {
  if (result) call_.Fail(std::string(what) + ": " + TheDriver().Message(result));
}

// Streams of TensorFlow do not wait for the default stream, nor it for them: without TensorFlow's
// own, all of the GPU has to come to rest before kernels run and after.
Launches::Launches(Call& call, TF_OpKernelContext* context)
    : call_(call), stream_(StreamOf(context)) {
  const Driver& driver = TheDriver();
  if (!driver.error.empty()) call.Fail(driver.error);
  if (!call.ok()) return;
  CUcontext of = nullptr;
  Check(stream_ ? driver.ContextOf(stream_, &of) : driver.GetCurrent(&of), "finding the GPU");
  if (!call.ok()) return;
  Check(driver.PushCurrent(of), "turning to the GPU");
  pushed_ = call.ok();
  if (pushed_ && !kOnStream) Check(driver.Synchronize(), "waiting for the GPU");
}

Launches::~Launches() {
  if (!pushed_) return;
  if (!kOnStream) Check(TheDriver().Synchronize(), "waiting for the kernels");
  CUcontext popped;
  TheDriver().PopCurrent(&popped);
}

void Launches::Launch(const char* kernel, int64_t items, void** arguments) {
  if (!call_.ok() || items == 0) return;
  static const std::string folder = KernelsFolder();
  std::string error;
  const CUfunction function = FindKernel(folder, kernel, error);
  if (!function) return call_.Fail(error);
  const int64_t blocks = std::min((items + kThreads - 1) / kThreads, kMostBlocks);
  Check(TheDriver().LaunchKernel(function, static_cast<unsigned>(blocks), 1, 1, kThreads, 1, 1, 0,
                                 stream_, arguments, nullptr),
        kernel);
}

}  // namespace spikingformer
