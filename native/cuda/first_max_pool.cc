// The ops SpikingformerFirstMaxPool and SpikingformerFirstMaxPoolGrad on GPUs: max_pool.cu has
// their kernels.
#include "../first_max_pool.h"

#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

int64_t SizeOf(const std::vector<int64_t>& shape) {
  return shape[0] * shape[1] * shape[2] * shape[3];
}

void Forward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  std::vector<int64_t> shape;
  const Pool pool = ReadPool(call, attrs, shape);
  if (!call.ok()) return;
  const float* const x = call.Data(0, "x", SizeOf(shape));
  const std::vector<int64_t> pooled = {shape[0], pool.out_height, pool.out_width, pool.channels};
  float* const y = call.Output(0, pooled);
  Launches on(call, context);
  LAUNCH(on, pool_forward)(SizeOf(pooled), pool, x, y);
}

void Gradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  std::vector<int64_t> shape;
  const Pool pool = ReadPool(call, attrs, shape);
  TF_Tensor* const pooled = call.Input(1);
  if (!call.ok()) return;
  const std::vector<int64_t> sides = {shape[0], pool.out_height, pool.out_width, pool.channels};
  if (Shape(pooled) != sides) {
    return call.Fail("dy must have the sides that x is pooled to");
  }
  const float* const x = call.Data(0, "x", SizeOf(shape));
  const float* const dy = call.Data(1, "dy", SizeOf(sides));
  float* const dx = call.Output(0, shape);
  Launches on(call, context);
  LAUNCH(on, pool_gradient)(SizeOf(shape), pool, x, dy, dx);
}

}  // namespace

void RegisterFirstMaxPoolOnGpu(const Status& status) {
  RegisterKernel("SpikingformerFirstMaxPool", kGpuDevice, CreatePool, Forward, DeletePool, status);
  RegisterKernel("SpikingformerFirstMaxPoolGrad", kGpuDevice, CreatePool, Gradient, DeletePool,
                 status);
}

}  // namespace spikingformer
