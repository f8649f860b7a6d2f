// Sums over rows of channels, and what batch normalization makes of each number: plain loops over
// channels, compiled once for each INSTRUCTION_SET, without the standard library (see
// lif_loops.cc).
//
// A sum adds a few rows in float32, four at a time, and such sums in float64: nearly as exact as
// float64 throughout, for less. In moments the few are taken from their first row, and their
// squares about their mean, so that a mean far from zero costs no digits.
#include "norm_loops.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/**
 * Calls four(channel, its numbers' places in four rows) for every channel, rows after rows, then
 * one(channel, place) for the rows that are left. Where they write, no other channel may read.
 */
template <class Four, class One>
inline void OverRows(int64_t rows, int64_t channels, const Four& four, const One& one) {
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const int64_t i = row * channels, j = i + channels, k = j + channels, l = k + channels;
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; c++) four(c, i + c, j + c, k + c, l + c);
  }
  for (; row < rows; row++) {
    const int64_t i = row * channels;
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; c++) one(c, i + c);
  }
}

void Moments(const float* x, int64_t rows, int64_t channels, float* scratch, double* RESTRICT sums,
             double* RESTRICT squares) {
  float* const sum = scratch;
  float* const mean = sum + channels;
  float* const square = mean + channels;
  float* const pivot = square + channels;
  for (int64_t c = 0; c < channels; c++) {
    sum[c] = square[c] = 0.0f;
    pivot[c] = x[c] - x[c] == 0.0f ? x[c] : 0.0f;  // of an infinite one nothing is left but NaN
  }
  OverRows(
      rows, channels,
      [=](int64_t c, int64_t i, int64_t j, int64_t k, int64_t l) {
        sum[c] += ((x[i] - pivot[c]) + (x[j] - pivot[c])) + ((x[k] - pivot[c]) + (x[l] - pivot[c]));
      },
      [=](int64_t c, int64_t i) { sum[c] += x[i] - pivot[c]; });
  const float share = 1.0f / rows;
  for (int64_t c = 0; c < channels; c++) mean[c] = pivot[c] + sum[c] * share;
  const auto squared = [=](int64_t c, int64_t i) { return (x[i] - mean[c]) * (x[i] - mean[c]); };
  OverRows(
      rows, channels,
      [=](int64_t c, int64_t i, int64_t j, int64_t k, int64_t l) {
        square[c] += (squared(c, i) + squared(c, j)) + (squared(c, k) + squared(c, l));
      },
      [=](int64_t c, int64_t i) { square[c] += squared(c, i); });
  for (int64_t c = 0; c < channels; c++) {
    const double total = rows * static_cast<double>(pivot[c]) + sum[c], about = mean[c];
    sums[c] += total;
    squares[c] += square[c] + about * (2 * total - rows * about);
  }
}

void Normalize(const Channels& p, const float* x, float* y, int64_t rows) {
  const float* RESTRICT mean = p.mean;
  const float* RESTRICT scale = p.scale;
  const float* RESTRICT shift = p.shift;
  for (int64_t row = 0; row < rows; row++) {
    const float* RESTRICT from = x + row * p.count;
    float* RESTRICT to = y + row * p.count;
    for (int64_t c = 0; c < p.count; c++) to[c] = (from[c] - mean[c]) * scale[c] + shift[c];
  }
}

void GradientSums(const Channels& p, const float* x, const float* dy, int64_t rows, float* sums,
                  float* products) {
  const float* const mean = p.mean;
  const auto product = [=](int64_t c, int64_t i) { return dy[i] * (x[i] - mean[c]); };
  OverRows(
      rows, p.count,
      [=](int64_t c, int64_t i, int64_t j, int64_t k, int64_t l) {
        sums[c] += (dy[i] + dy[j]) + (dy[k] + dy[l]);
        products[c] += (product(c, i) + product(c, j)) + (product(c, k) + product(c, l));
      },
      [=](int64_t c, int64_t i) {
        sums[c] += dy[i];
        products[c] += product(c, i);
      });
}

void Gather(float* RESTRICT sums, double* RESTRICT totals, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    totals[i] += sums[i];
    sums[i] = 0.0f;
  }
}

void Gradient(const Channels& p, const float* x, const float* dy, float* dx, int64_t rows) {
  const float* RESTRICT mean = p.mean;
  const float* RESTRICT scale = p.scale;
  const float* RESTRICT dy_mean = p.dy_mean;
  const float* RESTRICT slope = p.slope;
  for (int64_t row = 0; row < rows; row++) {
    const int64_t at = row * p.count;
    const float* RESTRICT from = x + at;
    float* RESTRICT to = dx + at;
    if (dy) {
      const float* RESTRICT given = dy + at;
      for (int64_t c = 0; c < p.count; c++) {
        to[c] = scale[c] * (given[c] - dy_mean[c] - (from[c] - mean[c]) * slope[c]);
      }
    } else {
      for (int64_t c = 0; c < p.count; c++) {
        to[c] = scale[c] * (to[c] - dy_mean[c] - (from[c] - mean[c]) * slope[c]);
      }
    }
  }
}

}  // namespace

#define LOOPS_OF(set) \
  extern const NormLoops norm_loops_##set = {Moments, Normalize, GradientSums, Gather, Gradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
