// The attributes of FirstMaxPool and of its gradient, and what follows for an input, on any device.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "op.h"
#include "parameters.h"

namespace spikingformer {

inline void* CreatePool(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto pool = std::make_unique<Pool>();
  pool->size = read.Int("pool_size");
  pool->strides = read.Int("strides");
  pool->padding = read.Int("padding");
  return pool.release();
}

inline void DeletePool(void* pool) { delete static_cast<Pool*>(pool); }

inline int64_t Pooled(const Pool& pool, int64_t side) {
  return (side + 2 * pool.padding - pool.size) / pool.strides + 1;
}

/** The pool with the sides of x, the first input, whose shape goes to `shape`. */
inline Pool ReadPool(Call& call, void* attrs, std::vector<int64_t>& shape) {
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

}  // namespace spikingformer
