#include "driver.h"

#include <dlfcn.h>

#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

namespace spikingformer {
namespace {

/** Of cuDeviceGetAttribute: the two numbers of a GPU's compute capability. */
constexpr int kMajor = 75, kMinor = 76;

template <class F>
void Find(void* library, const char* name, F& function, std::string& error) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (!function && error.empty()) error = std::string("CUDA's driver has no ") + name;
}

Driver Load() {
  Driver driver = {};
  void* const library = dlopen("libcuda.so.1", RTLD_NOW);
  if (!library) {
    driver.error = std::string("CUDA's driver does not load: ") + dlerror();
    return driver;
  }
  CUresult (*init)(unsigned) = nullptr;
  Find(library, "cuInit", init, driver.error);
  Find(library, "cuGetErrorString", driver.GetErrorString, driver.error);
  Find(library, "cuCtxGetCurrent", driver.GetCurrent, driver.error);
  Find(library, "cuCtxPushCurrent_v2", driver.PushCurrent, driver.error);
  Find(library, "cuCtxPopCurrent_v2", driver.PopCurrent, driver.error);
  Find(library, "cuCtxSynchronize", driver.Synchronize, driver.error);
  Find(library, "cuStreamGetCtx", driver.ContextOf, driver.error);
  Find(library, "cuCtxGetDevice", driver.GetDevice, driver.error);
  Find(library, "cuDeviceGetAttribute", driver.GetAttribute, driver.error);
  Find(library, "cuModuleLoadData", driver.LoadModule, driver.error);
  Find(library, "cuModuleGetFunction", driver.GetFunction, driver.error);
  Find(library, "cuLaunchKernel", driver.LaunchKernel, driver.error);
  if (!driver.error.empty()) return driver;
  if (const CUresult result = init(0)) {
    driver.error = "CUDA's driver does not start: " + driver.Message(result);
  }
  return driver;
}

/** The file's bytes; empty if there is none. */
std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  if (file) bytes << file.rdbuf();
  return bytes.str();
}

/** What the GPU runs: what is built for it or an earlier one of its generation, else what the
 * driver compiles. */
std::string ImageFor(const std::string& folder, int major, int minor) {
  for (; minor >= 0; minor--) {
    const std::string name = "sm_" + std::to_string(major) + std::to_string(minor);
    const std::string image = Read(folder + "/kernels." + name + ".cubin");
    if (!image.empty()) return image;
  }
  return Read(folder + "/kernels.ptx");
}

/** The kernels as the current context has them, found so far. */
struct Module {
  CUmodule module = nullptr;
  std::map<std::string, CUfunction> kernels;
};

CUresult LoadModule(const Driver& driver, const std::string& folder, Module& to,
                    std::string& error) {
  CUdevice device = 0;
  int major = 0, minor = 0;
  CUresult result = driver.GetDevice(&device);
  if (!result) result = driver.GetAttribute(&major, kMajor, device);
  if (!result) result = driver.GetAttribute(&minor, kMinor, device);
  if (result) return result;
  const std::string image = ImageFor(folder, major, minor);
  if (image.empty()) {
    error = folder + " has no kernels for this GPU";
    return 0;
  }
  return driver.LoadModule(&to.module, image.c_str());
}

}  // namespace

std::string Driver::Message(CUresult result) const {
  const char* text = nullptr;
  if (GetErrorString(result, &text) || !text) return "error " + std::to_string(result);
  return text;
}

const Driver& TheDriver() {
  static const Driver driver = Load();
  return driver;
}

CUfunction FindKernel(const std::string& folder, const char* name, std::string& error) {
  static std::mutex mutex;
  static std::map<CUcontext, Module> modules;
  const std::lock_guard<std::mutex> lock(mutex);
  const Driver& driver = TheDriver();
  CUcontext context = nullptr;
  CUresult result = driver.GetCurrent(&context);
  Module& of = modules[context];
  if (!result && !of.module) result = LoadModule(driver, folder, of, error);
  CUfunction& kernel = of.kernels[name];
  if (!result && of.module && !kernel) result = driver.GetFunction(&kernel, of.module, name);
  if (result) error = std::string("loading ") + name + ": " + driver.Message(result);
  return error.empty() ? kernel : nullptr;
}

}  // namespace spikingformer
