// BatchNormTraining, the same with LIF neurons behind it, and their gradients. Sums run over parts
// of the rows, a thread a channel of a part: a few rows in float32, those in float64.
#include "kernels.h"
#include "neurons.cuh"

namespace spikingformer {
namespace {

/** Rows that are added up in float32. */
constexpr int64_t kFew = 32;

struct Rows {
  int64_t begin, end;
};
inline Rows RowsOf(int64_t part, int64_t rows_per_part, int64_t rows) {
  const int64_t begin = part * rows_per_part, end = begin + rows_per_part;
  return {begin, end < rows ? end : rows};
}

/** x normalized, of one channel. */
struct Normed {
  const float* x;
  float mean, scale, shift;
  float operator()(int64_t at) const { return (x[at] - mean) * scale + shift; }
};

}  // namespace

/**
 * Each part's mean, and squares about it. Taken from the part's first number, which is among them,
 * so that a mean far from zero costs no digits.
 */
KERNEL norm_moments(int64_t items, const float* __restrict__ x, int64_t rows, int64_t channels,
                    int64_t rows_per_part, double* __restrict__ means,
                    double* __restrict__ squares) {
  for (EACH_ITEM(i)) {
    const Rows part = RowsOf(i / channels, rows_per_part, rows);
    const float* const column = x + i % channels;
    const float first = column[part.begin * channels];
    const float pivot = first - first == 0.0f ? first : 0.0f;  // else only NaN is left
    double sum = 0, square = 0;
    for (int64_t row = part.begin; row < part.end;) {
      const int64_t end = row + kFew < part.end ? row + kFew : part.end;
      float few = 0.0f, few_squares = 0.0f;
#pragma unroll 8
      for (; row < end; row++) {
        const float d = column[row * channels] - pivot;
        few += d;
        few_squares += d * d;
      }
      sum += few;
      square += few_squares;
    }
    const double count = static_cast<double>(part.end - part.begin);
    means[i] = pivot + sum / count;
    squares[i] = square - sum * (sum / count);
  }
}

/** Moments of kFold parts as those of one (Chan, Golub, LeVeque 1979). */
KERNEL norm_merge_moments(int64_t items, const double* means, const double* squares, int64_t rows,
                          int64_t channels, int64_t rows_per_part, double* merged_means,
                          double* merged_squares) {
  for (EACH_ITEM(i)) {
    const int64_t first = i / channels * kFold, channel = i % channels;
    double count = 0, mean = 0, square = 0;
    for (int64_t part = first; part < first + kFold; part++) {
      const Rows of = RowsOf(part, rows_per_part, rows);
      if (of.begin >= rows) break;
      const int64_t at = part * channels + channel;
      const double more = static_cast<double>(of.end - of.begin), share = more / (count + more);
      const double step = means[at] - mean;
      square += squares[at] + step * step * count * share;
      // Of infinite means the difference would be NaN, where the mean is infinite.
      mean = count == 0 ? means[at] : mean * (1 - share) + means[at] * share;
      count += more;
    }
    merged_means[i] = mean;
    merged_squares[i] = square;
  }
}

KERNEL norm_variance(int64_t items, const double* means, const double* squares, int64_t rows,
                     float* mean, float* variance) {
  for (EACH_ITEM(c)) {
    mean[c] = means[c];
    variance[c] = squares[c] < 0 ? 0.0 : squares[c] / rows;  // not NaN, which must be seen
  }
}

KERNEL norm_scale(int64_t items, const float* gamma, const float* variance, float epsilon,
                  float* scale) {
  for (EACH_ITEM(c)) scale[c] = gamma[c] * (1.0f / sqrtf(variance[c] + epsilon));
}

KERNEL norm_forward(int64_t items, int64_t channels, const float* __restrict__ x,
                    const float* __restrict__ mean, const float* __restrict__ scale,
                    const float* __restrict__ beta, float* __restrict__ y) {
  for (EACH_ITEM(i)) {
    const int64_t c = i % channels;
    y[i] = Normed{x, mean[c], scale[c], beta[c]}(i);
  }
}

KERNEL norm_lif_forward(int64_t items, Neurons p, int64_t channels, const float* __restrict__ x,
                        const float* __restrict__ mean, const float* __restrict__ scale,
                        const float* __restrict__ beta, float* __restrict__ spikes) {
  for (EACH_ITEM(i)) {
    const int64_t c = i % channels;
    Forward(p, Normed{x, mean[c], scale[c], beta[c]}, FirstOf(p, i), p.rest, spikes);
  }
}

/** What the neurons give back to the norm's output, which is computed once more. */
KERNEL norm_lif_gradient(int64_t items, Neurons p, int64_t channels, const float* __restrict__ x,
                         const float* __restrict__ mean, const float* __restrict__ scale,
                         const float* __restrict__ beta, const float* __restrict__ d_spikes,
                         float* __restrict__ dy) {
  for (EACH_ITEM(i)) {
    const int64_t c = i % channels;
    float none;
    Backward(p, Normed{x, mean[c], scale[c], beta[c]}, FirstOf(p, i), p.rest, 0.0f, d_spikes, dy,
             false, none);
  }
}

/** Each part's sums of dy and, behind those of all channels, of dy (x - mean). */
KERNEL norm_gradient_sums(int64_t items, const float* __restrict__ x, const float* __restrict__ dy,
                          const float* __restrict__ mean, int64_t rows, int64_t channels,
                          int64_t rows_per_part, double* __restrict__ sums) {
  for (EACH_ITEM(i)) {
    const int64_t c = i % channels;
    const Rows part = RowsOf(i / channels, rows_per_part, rows);
    const float about = mean[c];
    double sum = 0, product = 0;
    for (int64_t row = part.begin; row < part.end;) {
      const int64_t end = row + kFew < part.end ? row + kFew : part.end;
      float few = 0.0f, few_products = 0.0f;
#pragma unroll 8
      for (; row < end; row++) {
        const int64_t at = row * channels + c;
        few += dy[at];
        few_products += dy[at] * (x[at] - about);
      }
      sum += few;
      product += few_products;
    }
    double* const of_part = sums + i / channels * 2 * channels;
    of_part[c] = sum;
    of_part[channels + c] = product;
  }
}

KERNEL norm_weight_gradients(int64_t items, const double* sums, int64_t rows, const float* variance,
                             float epsilon, float* d_gamma, float* d_beta, float* dy_mean,
                             float* slope) {
  for (EACH_ITEM(c)) {
    const double total = sums[c], product = sums[items + c];
    const double spread = static_cast<double>(variance[c]) + epsilon;
    d_beta[c] = total;
    d_gamma[c] = product / sqrt(spread);
    dy_mean[c] = total / rows;
    slope[c] = product / rows / spread;
  }
}

/** dx = scale (dy - dy_mean - (x - mean) slope); dy may lie where dx does. */
KERNEL norm_gradient(int64_t items, int64_t channels, const float* __restrict__ x, const float* dy,
                     const float* __restrict__ mean, const float* __restrict__ scale,
                     const float* __restrict__ dy_mean, const float* __restrict__ slope,
                     float* dx) {
  for (EACH_ITEM(i)) {
    const int64_t c = i % channels;
    dx[i] = scale[c] * (dy[i] - dy_mean[c] - (x[i] - mean[c]) * slope[c]);
  }
}

}  // namespace spikingformer
