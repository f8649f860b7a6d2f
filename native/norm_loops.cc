// Sums over rows of channels, and what batch normalization makes of each number: plain loops over
// channels, compiled once for each INSTRUCTION_SET, without the standard library (see lif_loops.cc).
//
// A sum adds a few rows in float32, four at a time, and such sums in float64: nearly as exact as float64
// throughout, for less. In moments the few are taken from their first row, and their squares about their
// mean, so that a mean far from zero costs no digits.
#include "norm_loops.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** Calls row4(four rows) as often as it goes, then row1(one) for the rest; both get their first number. */
template <class Row4, class Row1>
inline void ByFourRows(int64_t rows, int64_t channels, const Row4& row4, const Row1& row1) {
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) row4(row * channels);
  for (; row < rows; row++) row1(row * channels);
}

void Moments(const float* x, int64_t rows, int64_t channels, float* scratch, double* RESTRICT sums,
             double* RESTRICT squares) {
  float* RESTRICT sum = scratch;
  float* RESTRICT mean = sum + channels;
  float* RESTRICT square = mean + channels;
  const float* RESTRICT pivot = x;
  for (int64_t c = 0; c < channels; c++) sum[c] = square[c] = 0.0f;
  ByFourRows(
      rows, channels,
      [&](int64_t at) {
        const float* RESTRICT a = x + at;
        const float* RESTRICT b = a + channels;
        const float* RESTRICT c = b + channels;
        const float* RESTRICT d = c + channels;
        for (int64_t i = 0; i < channels; i++) {
          sum[i] += ((a[i] - pivot[i]) + (b[i] - pivot[i])) +
                    ((c[i] - pivot[i]) + (d[i] - pivot[i]));
        }
      },
      [&](int64_t at) {
        const float* RESTRICT a = x + at;
        for (int64_t i = 0; i < channels; i++) sum[i] += a[i] - pivot[i];
      });
  const float share = 1.0f / rows;
  for (int64_t c = 0; c < channels; c++) mean[c] = pivot[c] + sum[c] * share;
  ByFourRows(
      rows, channels,
      [&](int64_t at) {
        const float* RESTRICT a = x + at;
        const float* RESTRICT b = a + channels;
        const float* RESTRICT c = b + channels;
        const float* RESTRICT d = c + channels;
        for (int64_t i = 0; i < channels; i++) {
          const float p = a[i] - mean[i], q = b[i] - mean[i];
          const float r = c[i] - mean[i], s = d[i] - mean[i];
          square[i] += (p * p + q * q) + (r * r + s * s);
        }
      },
      [&](int64_t at) {
        const float* RESTRICT a = x + at;
        for (int64_t i = 0; i < channels; i++) {
          const float p = a[i] - mean[i];
          square[i] += p * p;
        }
      });
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

void GradientSums(const Channels& p, const float* x, const float* dy, int64_t rows,
                  float* RESTRICT sums, float* RESTRICT products) {
  const int64_t channels = p.count;
  const float* RESTRICT mean = p.mean;
  ByFourRows(
      rows, channels,
      [&](int64_t at) {
        const float* RESTRICT a = x + at;
        const float* RESTRICT b = a + channels;
        const float* RESTRICT c = b + channels;
        const float* RESTRICT d = c + channels;
        const float* RESTRICT da = dy + at;
        const float* RESTRICT db = da + channels;
        const float* RESTRICT dc = db + channels;
        const float* RESTRICT dd = dc + channels;
        for (int64_t i = 0; i < channels; i++) {
          sums[i] += (da[i] + db[i]) + (dc[i] + dd[i]);
          products[i] += (da[i] * (a[i] - mean[i]) + db[i] * (b[i] - mean[i])) +
                         (dc[i] * (c[i] - mean[i]) + dd[i] * (d[i] - mean[i]));
        }
      },
      [&](int64_t at) {
        const float* RESTRICT a = x + at;
        const float* RESTRICT da = dy + at;
        for (int64_t i = 0; i < channels; i++) {
          sums[i] += da[i];
          products[i] += da[i] * (a[i] - mean[i]);
        }
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
