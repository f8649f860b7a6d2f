// What the loops that skip zeros share: sums of whole vectors, and the strips of a matrix that they
// add up. Compiled with each of them, for its instruction set.
#pragma once

#include <cstdint>

#include "vectors.h"

namespace spikingformer {
namespace {

/** Vectors that are summed together: enough of them that none waits for its last addition. */
constexpr int kWide = 8, kNarrow = 4;
constexpr int64_t kStrip = kWide * kLanes;
constexpr int64_t kNarrowStrip = kNarrow * kLanes;

inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

/** Neighboring sums, which the compiler keeps in registers. */
template <int kVectors>
struct Sums {
  Vector part[kVectors];

  void Clear() {
    for (int i = 0; i < kVectors; i++) part[i] = Vector{};
  }
  void Read(const float* from) {
    for (int i = 0; i < kVectors; i++) part[i] = Load(from + i * kLanes);
  }
  void Write(float* to) const {
    for (int i = 0; i < kVectors; i++) Store(part[i], to + i * kLanes);
  }
  void Add(const float* row) {
    for (int i = 0; i < kVectors; i++) part[i] += Load(row + i * kLanes);
  }
  void Add(float factor, const float* row) {
    for (int i = 0; i < kVectors; i++) part[i] += factor * Load(row + i * kLanes);
  }
};

/** How wide the strip from column `first` is: narrow where that has room for what is left. */
inline int64_t StripWidth(int64_t columns, int64_t first) {
  return columns - first > kNarrowStrip ? kStrip : kNarrowStrip;
}

/**
 * `width` columns of a matrix [rows, columns], from `first`, as [rows, width]; 0 beyond the last.
 */
inline void PackColumns(const float* matrix, int64_t rows, int64_t columns, int64_t first,
                        int64_t width, float* to) {
  const int64_t length = Min(width, columns - first);
  for (int64_t row = 0; row < rows; row++, to += width) {
    const float* from = matrix + row * columns + first;
    for (int64_t i = 0; i < length; i++) to[i] = from[i];
    for (int64_t i = length; i < width; i++) to[i] = 0.0f;
  }
}

}  // namespace
}  // namespace spikingformer
