// Layer normalization of rows, one after the other: a row stays in L1 while it is summed and
// normalized. A sum has the same number of parts whatever the vectors' length, so that each
// instruction set gives the same bits; so does each row, wherever it lies. Compiled once for each
// INSTRUCTION_SET, without the standard library (see lif_loops.cc).
#include "layer_norm_loops.h"

#include "vectors.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** Parts of a sum over a row. */
constexpr int kParts = 32;
constexpr int kVectors = kParts / kLanes;

/** What a sum reads at a time. Not a template of their types: those ignore a Vector's alignment. */
struct Vectors {
  Vector operator()(const float* from) const { return Load(from); }
};
struct Numbers {
  float operator()(const float* from) const { return *from; }
};

/** The sum of term(channel, read) over a row, for vectors and the numbers that are left. */
template <class Term>
inline float Sum(int64_t channels, const Term& term) {
  Vector sums[kVectors] = {};
  int64_t c = 0;
  for (; c + kParts <= channels; c += kParts) {
    for (int v = 0; v < kVectors; v++) sums[v] += term(c + v * kLanes, Vectors());
  }
  float parts[kParts];
  for (int v = 0; v < kVectors; v++) Store(sums[v], parts + v * kLanes);
  for (int i = 0; c < channels; i++, c++) parts[i] += term(c, Numbers());
  for (int half = kParts / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) parts[i] += parts[i + half];
  }
  return parts[0];
}

/** The mean and 1 / sqrt(variance + epsilon) of a row. */
struct Moments {
  float mean, rstd;

  Moments(const LayerNorm& p, const float* x) {
    const float sum = Sum(p.channels, [=](int64_t c, auto read) { return read(x + c); });
    const float centre = mean = sum / p.channels;
    const float squares = Sum(p.channels, [=](int64_t c, auto read) {
      const auto centered = read(x + c) - centre;
      return centered * centered;
    });
    rstd = 1.0f / __builtin_sqrtf(squares / p.channels + p.epsilon);
  }
};

/** A row of x, or with a bias the sum of both, which it writes to `to`. */
inline const float* Biased(const LayerNorm& p, const float* RESTRICT x, float* RESTRICT to) {
  if (!p.bias) return x;
  const float* RESTRICT bias = p.bias;
  for (int64_t c = 0; c < p.channels; c++) to[c] = x[c] + bias[c];
  return to;
}

void Forward(const LayerNorm& p, const float* x, float* y, int64_t rows) {
  const float* const gamma = p.gamma;
  const float* const beta = p.beta;
  for (; rows > 0; rows--, x += p.channels, y += p.channels) {
    const float* const from = Biased(p, x, y);
    const Moments row(p, from);
#pragma GCC ivdep
    for (int64_t c = 0; c < p.channels; c++) {
      y[c] = (from[c] - row.mean) * row.rstd * gamma[c] + beta[c];
    }
  }
}

/** dx = rstd (d - mean(d) - xhat mean(d xhat)), d = dy gamma, xhat = (x - mean) rstd. */
void Gradient(const LayerNorm& p, const float* dy, const float* x, float* dx, int64_t rows,
              float* sums) {
  const float* const gamma = p.gamma;
  float* const products = sums + p.channels;
  float* const passed = products + p.channels;
  for (; rows > 0; rows--, dy += p.channels, x += p.channels, dx += p.channels) {
    const float* const from = Biased(p, x, dx);
    const Moments row(p, from);
    const float mean = row.mean, rstd = row.rstd;
    const float d =
        Sum(p.channels, [=](int64_t c, auto read) { return read(dy + c) * read(gamma + c); });
    const float d_xhat = Sum(p.channels, [=](int64_t c, auto read) {
      return read(dy + c) * read(gamma + c) * ((read(from + c) - mean) * rstd);
    });
    const float d_mean = d / p.channels, slope = d_xhat / p.channels;
#pragma GCC ivdep
    for (int64_t c = 0; c < p.channels; c++) {
      const float xhat = (from[c] - mean) * rstd;
      dx[c] = (dy[c] * gamma[c] - d_mean - xhat * slope) * rstd;
      sums[c] += dy[c];
      products[c] += dy[c] * xhat;
    }
    if (!p.bias) continue;
#pragma GCC ivdep
    for (int64_t c = 0; c < p.channels; c++) passed[c] += dx[c];
  }
}

}  // namespace

#define LOOPS_OF(set) extern const LayerNormLoops layer_norm_loops_##set = {Forward, Gradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
