// AdamWStep and Blend, a thread a number, each operation rounded as the composed forms round it.
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

}  // namespace spikingformer
