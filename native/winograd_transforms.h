// The transforms of Winograd's F(4x4, 3x3) (arXiv 1509.09308), of vectors: 36 products instead of
// 144 for a tile of 4 x 4 pixels of a channel. Its points 0, +-5/8, +-3/2 and infinity round about
// as a direct sum does; +-1 and +-2 would lose three more bits. All factors but those of the filter
// are exact. Compiled with the loops, for their instruction set.
#pragma once

#include <cstdint>

#include "vectors.h"
#include "winograd_loops.h"

namespace spikingformer {
namespace {

// In each, from(i) is the vector at i, and to(i, vector) takes the result at i.

/** The values of a filter's row of three at the six points, the last its leading coefficient. */
template <class From, class To>
inline void FilterRow(const From& from, const To& to) {
  const Vector g0 = from(0), g1 = from(1), g2 = from(2);
  const Vector near = -0.6884033613445378f * MultiplyAdd(0.390625f, g2, g0);
  const Vector near_odd = -0.4302521008403361f * g1;
  const Vector far = 0.11951447245564893f * MultiplyAdd(2.25f, g2, g0);
  const Vector far_odd = 0.1792717086834734f * g1;
  to(0, 1.1377777777777778f * g0);
  to(1, near + near_odd);
  to(2, near - near_odd);
  to(3, far + far_odd);
  to(4, far - far_odd);
  to(5, g2);
}

/** A row of six pixels to the six points. */
template <class From, class To>
inline void InputRow(const From& from, const To& to) {
  const Vector d0 = from(0), d1 = from(1), d2 = from(2), d3 = from(3), d4 = from(4), d5 = from(5);
  const Vector near = MultiplyAdd(-2.25f, d2, d4), near_odd = MultiplyAdd(-2.25f, d1, d3);
  const Vector far = MultiplyAdd(-0.390625f, d2, d4), far_odd = MultiplyAdd(-0.390625f, d1, d3);
  to(0, MultiplyAdd(0.87890625f, d0, MultiplyAdd(-2.640625f, d2, d4)));
  to(1, MultiplyAdd(0.625f, near_odd, near));
  to(2, MultiplyAdd(-0.625f, near_odd, near));
  to(3, MultiplyAdd(1.5f, far_odd, far));
  to(4, MultiplyAdd(-1.5f, far_odd, far));
  to(5, MultiplyAdd(0.87890625f, d1, MultiplyAdd(-2.640625f, d3, d5)));
}

/** The products at the six points to four pixels. */
template <class From, class To>
inline void OutputRow(const From& from, const To& to) {
  const Vector m1 = from(1), m2 = from(2), m3 = from(3), m4 = from(4);
  const Vector near = m1 + m2, near_odd = m1 - m2, far = m3 + m4, far_odd = m3 - m4;
  to(0, (from(0) + near) + far);
  to(1, MultiplyAdd(0.625f, near_odd, 1.5f * far_odd));
  to(2, MultiplyAdd(0.390625f, near, 2.25f * far));
  to(3, MultiplyAdd(0.244140625f, near_odd, MultiplyAdd(3.375f, far_odd, from(5))));
}

/** A matrix of vectors of a tile, between the transform of its columns and that of its rows. */
struct alignas(64) Tile {
  float numbers[kPoints * kLanes];

  float* At(int row, int column) { return numbers + (6 * row + column) * kLanes; }
};

/** Nine taps, at `taps`, to 36 points that are `step` numbers apart. */
inline void TransformFilter(const float* taps, float* to, int64_t step) {
  Tile tile;
  for (int c = 0; c < 3; c++) {
    FilterRow([&](int i) { return Load(taps + (3 * i + c) * kLanes); },
              [&](int i, const Vector& x) { Store(x, tile.At(i, c)); });
  }
  for (int r = 0; r < 6; r++) {
    FilterRow([&](int i) { return Load(tile.At(r, i)); },
              [&](int i, const Vector& x) { Store(x, to + (6 * r + i) * step); });
  }
}

/** 6 x 6 pixels, from `at` numbers into each, to 36 points that are `step` numbers apart. */
inline void TransformInput(const float* const* pixels, int64_t at, float* to, int64_t step) {
  Tile tile;
  for (int c = 0; c < 6; c++) {
    InputRow([&](int i) { return Load(pixels[6 * i + c] + at); },
             [&](int i, const Vector& x) { Store(x, tile.At(i, c)); });
  }
  for (int r = 0; r < 6; r++) {
    InputRow([&](int i) { return Load(tile.At(r, i)); },
             [&](int i, const Vector& x) { Store(x, to + (6 * r + i) * step); });
  }
}

/** 36 products, `step` numbers apart, to 4 x 4 vectors, each of which store(pixel, vector) takes.
 */
template <class To>
inline void TransformOutput(const float* from, int64_t step, const To& store) {
  Tile tile;
  for (int c = 0; c < 6; c++) {
    OutputRow([&](int i) { return Load(from + (6 * i + c) * step); },
              [&](int i, const Vector& x) { Store(x, tile.At(i, c)); });
  }
  for (int r = 0; r < 4; r++) {
    OutputRow([&](int i) { return Load(tile.At(r, i)); },
              [&](int i, const Vector& x) { store(4 * r + i, x); });
  }
}

}  // namespace
}  // namespace spikingformer
