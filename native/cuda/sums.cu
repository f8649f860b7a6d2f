// Sums in float64, in one order whatever the number of threads.
#include "kernels.h"

namespace spikingformer {

/** Each item adds up one column of kFold rows of `parts`, [count, width]. */
KERNEL add_parts(int64_t items, const double* parts, int64_t count, int64_t width, double* sums) {
  for (EACH_ITEM(i)) {
    const int64_t first = i / width * kFold, column = i % width;
    double sum = 0;
    for (int64_t part = first; part < first + kFold && part < count; part++) {
      sum += parts[part * width + column];
    }
    sums[i] = sum;
  }
}

}  // namespace spikingformer
