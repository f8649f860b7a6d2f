// The products of spiking attention, each head where it lies among the others: scale (q kT) v is
// two of them, its gradient five.
#include "kernels.h"

namespace spikingformer {
namespace {

inline int64_t StartOf(const Factor& factor, int64_t step, int64_t head) {
  return step * factor.step + head * factor.head;
}

}  // namespace

/** Each item is kProductRows rows of one column of out: neighbors read neighboring columns of b. */
KERNEL head_product(int64_t items, HeadProduct p, const float* __restrict__ a,
                    const float* __restrict__ b, float* __restrict__ out) {
  const int64_t tiles = (p.rows + kProductRows - 1) / kProductRows;
  for (EACH_ITEM(i)) {
    const int64_t column = i % p.columns, first = i / p.columns % tiles * kProductRows;
    const int64_t head = i / p.columns / tiles % p.heads, step = i / p.columns / tiles / p.heads;
    const float* lines[kProductRows];
    float sums[kProductRows] = {};
#pragma unroll
    for (int r = 0; r < kProductRows; r++) {
      const int64_t row = first + r < p.rows ? first + r : p.rows - 1;  // the last one again
      lines[r] = a + StartOf(p.a, step, head) + row * p.a.row;
    }
    const float* factors = b + StartOf(p.b, step, head) + column * p.b.column;
    for (int64_t j = 0; j < p.inner; j++) {
      const float factor = factors[j * p.b.row];
#pragma unroll
      for (int r = 0; r < kProductRows; r++) {
        sums[r] = fmaf(lines[r][j * p.a.column], factor, sums[r]);
      }
    }
    float* const to = out + StartOf(p.out, step, head) + column * p.out.column;
#pragma unroll
    for (int r = 0; r < kProductRows; r++) {
      if (first + r < p.rows) to[(first + r) * p.out.row] = sums[r] * p.scale;
    }
  }
}

}  // namespace spikingformer
