#include "affine.h"

#include <cmath>
#include <vector>

namespace spikingformer {

FrozenNorm ReadFrozenNorm(Call& call, int first, int count, int64_t channels) {
  return {call.Data(first, "gamma", channels), call.Data(first + 1, "beta", channels),
          call.Data(first + 2, "mean", channels), call.Data(first + 3, "variance", channels),
          count > 4 ? call.Data(first + 4, "bias", channels) : nullptr};
}

void ToAffine(const FrozenNorm& norm, int64_t channels, float epsilon, float* scale, float* shift) {
  for (int64_t c = 0; c < channels; c++) {
    const float centre = norm.bias ? norm.mean[c] - norm.bias[c] : norm.mean[c];
    scale[c] = norm.gamma[c] * (1.0f / std::sqrt(norm.variance[c] + epsilon));
    shift[c] = norm.beta[c] - centre * scale[c];
  }
}

AffineAttrs ReadAffineAttrs(AttrReader& read) { return {read.Int("A"), read.Float("epsilon")}; }

Affine ReadAffine(Call& call, int first, const AffineAttrs& attrs, int64_t channels) {
  if (attrs.count == 0) return {};
  if (attrs.count == 2) {
    return {call.Data(first, "scale", channels), call.Data(first + 1, "shift", channels)};
  }
  if (attrs.count != 4 && attrs.count != 5) {
    call.Fail("affine must be scale and shift, or gamma, beta, mean, variance and perhaps bias");
    return {};
  }
  const FrozenNorm norm = ReadFrozenNorm(call, first, attrs.count, channels);
  if (!call.ok()) return {};
  thread_local std::vector<float> numbers;
  numbers.resize(2 * channels);
  float *const scale = numbers.data(), *const shift = scale + channels;
  ToAffine(norm, channels, attrs.epsilon, scale, shift);
  return {scale, shift};
}

}  // namespace spikingformer
