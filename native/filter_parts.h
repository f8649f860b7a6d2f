// How the gradient of a filter is divided into parts, for any number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>

#include "spike_gradient_loops.h"
#include "spike_images.h"
#include "thread_pool.h"

namespace spikingformer {

/** Memory for a gradient, given whether all numbers that it is made of are finite; or null. */
using GradientOutput = std::function<float*(bool finite)>;

/**
 * Every sum is made in shares of the pixels, which are the same for any number of threads: each by
 * one thread, in one order. Small filters have several shares for each thread, so that none waits
 * long for a slower one; of large ones they would take too much memory.
 */
class FilterParts {
 public:
  /** Of groups of so many channels at most, and filters in units of `unit`. */
  FilterParts(const Images& images, const PixelBlock& most, int64_t channels, int64_t unit)
      : p_(images.conv), blocks_(BlockCount(p_, images.count, most)) {
    shares_ = std::min(blocks_, std::clamp<int64_t>(kSharesNumbers / numbers(), 1, 8));
    group_ = std::min(channels, p_.channels);
    groups_ = (p_.channels + group_ - 1) / group_;
    const int64_t units = (p_.filters + unit - 1) / unit, parts = shares_ * groups_;
    const int64_t splits = std::clamp<int64_t>((Threads() + parts - 1) / parts, 1, units);
    split_ = (units + splits - 1) / splits * unit;
    splits_ = (p_.filters + split_ - 1) / split_;
  }

  int64_t group() const { return group_; }
  int64_t split() const { return split_; }

  /**
   * Calls compute(part, the part's share of the sums), which returns whether it met finite numbers
   * alone, for all parts, and adds the shares to what `output` returns.
   */
  template <class Compute>
  void Sum(const Compute& compute, const GradientOutput& output) const {
    float* const shares = Scratch<float, kShares>(shares_ * numbers());
    std::atomic<bool> finite{true};
    ParallelFor(shares_ * groups_ * splits_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t share = i / (groups_ * splits_);
        const int64_t channel = i / splits_ % groups_ * group_, filter = i % splits_ * split_;
        const FilterPart part = {channel,
                                 std::min(channel + group_, p_.channels),
                                 filter,
                                 std::min(filter + split_, p_.filters),
                                 share * blocks_ / shares_,
                                 (share + 1) * blocks_ / shares_};
        if (!compute(part, shares + share * numbers())) finite = false;
      }
    });
    float* const dw = output(finite);
    if (!dw) return;
    ParallelFor(numbers(), kGrain, [&](int64_t begin, int64_t end) {
      std::copy(shares + begin, shares + end, dw + begin);
      for (int64_t share = 1; share < shares_; share++) {
        const float* const from = shares + share * numbers();
        for (int64_t i = begin; i < end; i++) dw[i] += from[i];
      }
    });
  }

 private:
  /** How many numbers several shares have together, at most: 2 MB. */
  static constexpr int64_t kSharesNumbers = 1 << 19;
  static constexpr int64_t kGrain = 1 << 14;

  int64_t numbers() const { return p_.size * p_.size * p_.channels * p_.filters; }

  const SpikeConv p_;
  const int64_t blocks_;
  int64_t shares_, group_, groups_, split_, splits_;
};

}  // namespace spikingformer
