// TensorFlow's stream of a call. The C API hands out streams of plugged-in devices only: this goes
// through the C++ class behind its pointer, and is the one file that needs TensorFlow's C++
// headers.
#include "xla/stream_executor/stream.h"

#include "launches.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace spikingformer {

const bool kOnStream = true;

void* StreamOf(TF_OpKernelContext* context) {
  auto* const call = reinterpret_cast<tensorflow::OpKernelContext*>(context);
  return call->op_device_context()->stream()->platform_specific_handle().stream;
}

}  // namespace spikingformer
