// AdamWStep, Blend and RunningStatistics, a thread a number, each operation rounded as the composed
// forms round it.
#include "kernels.h"

namespace spikingformer {

KERNEL adamw(int64_t items, const float* __restrict__ p, const float* __restrict__ gradient,
             const float* __restrict__ m, const float* __restrict__ v,
             const float* __restrict__ factors, float* __restrict__ new_p,
             float* __restrict__ new_m, float* __restrict__ new_v) {
  const float kept = factors[0], rate = factors[1], root = factors[2], epsilon = factors[3];
  const float beta1 = factors[4], rest1 = factors[5], beta2 = factors[6], rest2 = factors[7];
  for (EACH_ITEM(i)) {
    const float g = gradient[i];
    const float first = m[i] * beta1 + g * rest1;
    const float second = v[i] * beta2 + g * g * rest2;
    new_m[i] = first;
    new_v[i] = second;
    new_p[i] = p[i] * kept - first * rate / (sqrtf(second) / root + epsilon);
  }
}

KERNEL blend(int64_t items, const float* __restrict__ old, const float* __restrict__ now,
             float kept, float taken, float* __restrict__ out) {
  for (EACH_ITEM(i)) out[i] = old[i] * kept + now[i] * taken;
}

KERNEL running_statistics(int64_t items, const float* __restrict__ mean,
                          const float* __restrict__ variance, const float* __restrict__ batch_mean,
                          const float* __restrict__ batch_variance, const float* __restrict__ bias,
                          float kept, float taken, float taken_variance,
                          float* __restrict__ new_mean, float* __restrict__ new_variance) {
  for (EACH_ITEM(c)) {
    const float now = bias ? batch_mean[c] + bias[c] : batch_mean[c];
    new_mean[c] = mean[c] * kept + now * taken;
    new_variance[c] = variance[c] * kept + batch_variance[c] * taken_variance;
  }
}

}  // namespace spikingformer
