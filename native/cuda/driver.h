// What is used of CUDA's driver, loaded when a GPU is first used: nothing is linked, and no header
// of CUDA's needed.
#pragma once

#include <cstddef>
#include <string>

namespace spikingformer {

using CUcontext = void*;
using CUdevice = int;
using CUfunction = void*;
using CUmodule = void*;
using CUstream = void*;
using CUresult = int;

struct Driver {
  /** Empty, or why there is no driver. */
  std::string error;

  CUresult (*GetErrorString)(CUresult, const char**);
  CUresult (*GetCurrent)(CUcontext*);
  CUresult (*PushCurrent)(CUcontext);
  CUresult (*PopCurrent)(CUcontext*);
  CUresult (*Synchronize)();
  CUresult (*ContextOf)(CUstream, CUcontext*);
  CUresult (*GetDevice)(CUdevice*);
  CUresult (*GetAttribute)(int* value, int attribute, CUdevice);
  CUresult (*LoadModule)(CUmodule*, const void* image);
  CUresult (*GetFunction)(CUfunction*, CUmodule, const char* name);
  CUresult (*LaunchKernel)(CUfunction, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                           unsigned block_x, unsigned block_y, unsigned block_z,
                           unsigned shared_bytes, CUstream, void** arguments, void** extra);

  /** What the driver says of an error. */
  std::string Message(CUresult) const;
};

/** This process's driver. */
const Driver& TheDriver();

/**
 * A kernel of the current context's GPU, from kernels.sm_NN.cubin or kernels.ptx in `folder`. Loads
 * them at first; null after an error, which `error` then says.
 */
CUfunction FindKernel(const std::string& folder, const char* name, std::string& error);

}  // namespace spikingformer
