// What the ops with batch normalization inside share on CPUs: sums over rows of channels, and
// what is done to each channel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "norm_inputs.h"
#include "norm_loops.h"
#include "op.h"
#include "thread_pool.h"

namespace spikingformer {

extern const Variants<NormLoops> kNormLoops;

/** Rows that are summed up together: as many as have about this many numbers, 32 KiB. */
constexpr int64_t kSumBlock = 8192;
/** Less than this many numbers are not worth a part, or waking a thread, of their own. */
constexpr int64_t kGrain = 1 << 15;

/** Calls body(first block, end, number of the part) for parts of `count` blocks. */
template <class Body>
void ForEachPart(int64_t parts, int64_t count, const Body& body) {
  ParallelFor(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      body(part * count / parts, (part + 1) * count / parts, part);
    }
  });
}

/** Into how many parts to divide the sums of so many blocks and numbers. */
int64_t PartsOf(int64_t blocks, int64_t numbers);

/** Two sums per channel, of each part of the numbers. */
class ChannelSums {
 public:
  ChannelSums(int64_t parts, int64_t channels)
      : channels_(channels), parts_(parts), sums_(2 * parts * channels) {}
  double* First(int64_t part) { return sums_.data() + 2 * part * channels_; }
  double* Second(int64_t part) { return First(part) + channels_; }

  /** Adds up all parts, into the first. */
  void AddUp();

 private:
  int64_t channels_, parts_;
  std::vector<double> sums_;
};

/** Each channel's mean and biased variance. */
void ChannelMoments(const NormInput& in, float* mean, float* variance);

/** What is done to each channel, as the composed form computes it. */
class Norm {
 public:
  Norm(int64_t channels, const float* gamma, const float* beta, const float* mean,
       const float* variance, float epsilon);

  /**
   * Of the gradient: from the sums of dy and dy (x - mean) over `rows` rows; gives those of the
   * weights.
   */
  void SetSums(ChannelSums& sums, int64_t rows, const float* variance, float epsilon,
               float* d_gamma, float* d_beta);

  const Channels& channels() const { return channels_; }

 private:
  std::vector<float> scale_, dy_mean_, slope_;
  Channels channels_;
};

/**
 * The second half of a gradient: through the norm, once the sums are known; without dy, of what dx
 * holds.
 */
void ThroughNorm(const NormBackward& op, Norm& norm, ChannelSums& sums, float epsilon,
                 const float* dy);

}  // namespace spikingformer
