// The gradient of a depthwise convolution's filter, for a vector of channels: each image is copied
// with its padding, which stays in the caches while a tap is an offset into it. Every sum runs in
// one order, so that each instruction set gives the same bits. Compiled once for each
// INSTRUCTION_SET, without the standard library (see lif_loops.cc).
#include "depthwise_loops.h"

#include "vectors.h"

namespace spikingformer {
namespace {

/** `count` pixels, `step` numbers apart, to vectors; lanes beyond `valid` are 0. */
void Pack(const float* from, int64_t step, int64_t count, int64_t valid, float* to) {
  for (int64_t i = 0; i < count; i++, from += step, to += kLanes) {
    if (valid == kLanes) {
      Store(Load(from), to);
    } else {
      for (int64_t j = 0; j < kLanes; j++) to[j] = j < valid ? from[j] : 0.0f;
    }
  }
}

/** The sum over an image of dy times x, whose rows are `pitch` numbers long. */
inline Vector Tap(const Depthwise& p, const float* x, int64_t pitch, const float* dy) {
  Vector sums[4] = {};
  for (int64_t row = 0; row < p.height; row++, x += pitch) {
    const float* from = x;
    int64_t i = 0;
    for (; i + 4 <= p.width; i += 4, from += 4 * kLanes, dy += 4 * kLanes) {
      for (int j = 0; j < 4; j++) sums[j] += Load(dy + j * kLanes) * Load(from + j * kLanes);
    }
    for (; i < p.width; i++, from += kLanes, dy += kLanes) sums[0] += Load(dy) * Load(from);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void FilterGradient(const Depthwise& p, const float* x, const float* dy, int64_t channel, float* dw,
                    float* scratch) {
  const int64_t valid = p.channels - channel < kLanes ? p.channels - channel : kLanes;
  const int64_t pitch = (p.width + p.size - 1) * kLanes, taps = p.size * p.size;
  const int64_t padded = (p.height + p.size - 1) * pitch;
  float* const sums = (float*)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  float* const packed = sums + taps * kLanes;
  float* const gradient = packed + padded;
  float* const middle = packed + p.size / 2 * (pitch + kLanes);
  for (float* to = sums; to < gradient; to++) *to = 0.0f;
  for (int64_t image = 0; image < p.images; image++) {
    for (int64_t row = 0; row < p.height; row++) {
      const int64_t at = (image * p.height + row) * p.width * p.channels + channel;
      Pack(x + at, p.channels, p.width, valid, middle + row * pitch);
      Pack(dy + at, p.channels, p.width, valid, gradient + row * p.width * kLanes);
    }
    for (int64_t tap = 0; tap < taps; tap++) {
      const float* from = packed + tap / p.size * pitch + tap % p.size * kLanes;
      float* const sum = sums + tap * kLanes;
      Store(Load(sum) + Tap(p, from, pitch, gradient), sum);
    }
  }
  for (int64_t tap = 0; tap < taps; tap++) {
    for (int64_t j = 0; j < valid; j++) dw[tap * p.channels + channel + j] = sums[tap * kLanes + j];
  }
}

}  // namespace

#define LOOPS_OF(set) extern const DepthwiseLoops depthwise_loops_##set = {kLanes, FilterGradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
