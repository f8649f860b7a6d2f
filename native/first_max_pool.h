// The attributes of FirstMaxPool and of its gradient, and what follows for an input, on any device.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "op.h"
#include "parameters.h"

namespace spikingformer {

/** As TensorFlow writes them down. */
inline const std::vector<const char*> kPoolAttrs = {"pool_size: int >= 1", "strides: int >= 1",
                                                    "padding: int >= 0"};

/** A place in a window of this side is a byte. */
constexpr int64_t kMostPlaced = 16;

/** The places of 4 maxima are one integer. */
constexpr int64_t PlaceWords(int64_t maxima) { return (maxima + 3) / 4; }

/** An output of the places of so many maxima. */
inline uint8_t* OutputPlaces(Call& call, int i, int64_t maxima) {
  const int64_t words = PlaceWords(maxima);
  int32_t* const places = call.Integers(i, words);
  if (places && words > 0) places[words - 1] = 0;
  return reinterpret_cast<uint8_t*>(places);
}

/** The sides of images are left at 0. */
inline Pool PoolOf(AttrReader& read) {
  Pool pool = {};
  pool.size = read.Int("pool_size");
  pool.strides = read.Int("strides");
  pool.padding = read.Int("padding");
  return pool;
}

inline void* CreatePool(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new Pool(PoolOf(read));
}

inline void DeletePool(void* pool) { delete static_cast<Pool*>(pool); }

inline int64_t Pooled(const Pool& pool, int64_t side) {
  return (side + 2 * pool.padding - pool.size) / pool.strides + 1;
}

/** Sets the sides of images; returns whether they are no smaller than the window. */
inline bool FitsPool(Pool& pool, int64_t height, int64_t width, int64_t channels) {
  if (std::min(height, width) + 2 * pool.padding < pool.size) return false;
  pool.height = height;
  pool.width = width;
  pool.channels = channels;
  pool.out_height = Pooled(pool, height);
  pool.out_width = Pooled(pool, width);
  return true;
}

/** The pool with the sides of x, the first input, whose shape goes to `shape`. */
inline Pool ReadPool(Call& call, void* attrs, std::vector<int64_t>& shape) {
  Pool pool = *static_cast<Pool*>(attrs);
  TF_Tensor* const x = call.Input(0);
  if (!x) return pool;
  shape = Shape(x);
  if (shape.size() != 4 || !FitsPool(pool, shape[1], shape[2], shape[3])) {
    call.Fail("x must be [batch, height, width, channels], no smaller than the window");
  }
  return pool;
}

}  // namespace spikingformer
