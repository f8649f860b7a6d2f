// The ops SpikingformerFirstMaxPool and SpikingformerFirstMaxPoolGrad on GPUs: max_pool.cu has
// their kernels.
#include <algorithm>
#include <memory>

#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto pool = std::make_unique<Pool>();
  pool->size = read.Int("pool_size");
  pool->strides = read.Int("strides");
  pool->padding = read.Int("padding");
  return pool.release();
}

void Delete(void* pool) { delete static_cast<Pool*>(pool); }

int64_t Pooled(const Pool& pool, int64_t side) {
  return (side + 2 * pool.padding - pool.size) / pool.strides + 1;
}

/** The pool, told the sides of x, whose shape goes to `shape`. */
Pool PoolOf(Call& call, void* attrs, std::vector<int64_t>& shape) {
  Pool pool = *static_cast<Pool*>(attrs);
  TF_Tensor* const x = call.Input(0);
  if (!x) return pool;
  shape = Shape(x);
  if (shape.size() != 4 || std::min(shape[1], shape[2]) + 2 * pool.padding < pool.size) {
    call.Fail("x must be [batch, height, width, channels], no smaller than the window");
    return pool;
  }
  pool.height = shape[1];
  pool.width = shape[2];
  pool.channels = shape[3];
  pool.out_height = Pooled(pool, pool.height);
  pool.out_width = Pooled(pool, pool.width);
  return pool;
}

int64_t SizeOf(const std::vector<int64_t>& shape) {
  return shape[0] * shape[1] * shape[2] * shape[3];
}

void Forward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  std::vector<int64_t> shape;
  const Pool pool = PoolOf(call, attrs, shape);
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
  const Pool pool = PoolOf(call, attrs, shape);
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
  RegisterKernel("SpikingformerFirstMaxPool", kGpuDevice, Create, Forward, Delete, status);
  RegisterKernel("SpikingformerFirstMaxPoolGrad", kGpuDevice, Create, Gradient, Delete, status);
}

}  // namespace spikingformer
