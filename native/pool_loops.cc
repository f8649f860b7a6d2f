// The maximum of each window, where NaN wins, and the gradient that goes there: plain loops over
// channels, compiled once for each INSTRUCTION_SET, without the standard library (see
// lif_loops.cc).
#include "pool_loops.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** Channels that are looked at together. */
constexpr int64_t kBlock = 256;

inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

/** The part of a window that lies in the image, in one direction. */
struct Range {
  int64_t begin, end;
};
inline Range Inside(const Pool& p, int64_t out, int64_t side) {
  const int64_t begin = out * p.strides - p.padding;
  return {Max(begin, 0), Min(begin + p.size, side)};
}

/** Whether x takes a window over: the first of equals keeps it, NaN always takes it. */
inline bool Takes(float x, float best) { return (x > best) | (x != x); }

/** Takes what is larger than the best so far, or NaN. */
inline void Challenge(const float* RESTRICT x, int32_t place, float* RESTRICT best,
                      int32_t* RESTRICT winner, int64_t length) {
  for (int64_t c = 0; c < length; c++) {
    const bool takes = Takes(x[c], best[c]);
    best[c] = takes ? x[c] : best[c];
    winner[c] = takes ? place : winner[c];
  }
}

template <class Place>
inline void Give(const float* RESTRICT dy, const Place* RESTRICT winner, int32_t place,
                 float* RESTRICT dx, int64_t length) {
  for (int64_t c = 0; c < length; c++) dx[c] += winner[c] == place ? dy[c] : 0.0f;
}

inline void Raise(const float* RESTRICT x, float* RESTRICT best, int64_t length) {
  for (int64_t c = 0; c < length; c++) best[c] = Takes(x[c], best[c]) ? x[c] : best[c];
}

void Forward(const Pool& p, const float* x, float* y) {
  for (int64_t out_y = 0; out_y < p.out_height; out_y++) {
    const Range rows = Inside(p, out_y, p.height);
    for (int64_t out_x = 0; out_x < p.out_width; out_x++, y += p.channels) {
      const Range columns = Inside(p, out_x, p.width);
      for (int64_t c = 0; c < p.channels; c++) y[c] = -__builtin_inff();
      for (int64_t row = rows.begin; row < rows.end; row++) {
        for (int64_t column = columns.begin; column < columns.end; column++) {
          Raise(x + (row * p.width + column) * p.channels, y, p.channels);
        }
      }
    }
  }
}

/** Calls body(first pixel of the window, its rows, its columns) for each pixel of y, in order. */
template <class Body>
inline void ForEachWindow(const Pool& p, const Body& body) {
  for (int64_t out_y = 0; out_y < p.out_height; out_y++) {
    const Range rows = Inside(p, out_y, p.height);
    for (int64_t out_x = 0; out_x < p.out_width; out_x++) {
      const Range columns = Inside(p, out_x, p.width);
      const int64_t pixel = rows.begin * p.width + columns.begin;
      body(pixel, rows.end - rows.begin, columns.end - columns.begin);
    }
  }
}

/** The maxima of a window, and their places, of some channels. */
inline void Find(const Pool& p, const float* x, int64_t rows, int64_t columns, int64_t length,
                 float* RESTRICT best, int32_t* RESTRICT winner) {
  for (int64_t c = 0; c < length; c++) {
    best[c] = x[c];
    winner[c] = 0;
  }
  int32_t place = 0;
  for (int64_t row = 0; row < rows; row++, x += p.width * p.channels) {
    for (int64_t column = 0; column < columns; column++) {
      Challenge(x + column * p.channels, place++, best, winner, length);
    }
  }
}

/** Gives each channel's dy to the pixel of dx at its place. */
template <class Place>
inline void GiveAll(const Pool& p, const float* dy, const Place* winner, int64_t rows,
                    int64_t columns, int64_t length, float* dx) {
  int32_t place = 0;
  for (int64_t row = 0; row < rows; row++, dx += p.width * p.channels) {
    for (int64_t column = 0; column < columns; column++) {
      Give(dy, winner, place++, dx + column * p.channels, length);
    }
  }
}

inline void Clear(const Pool& p, float* dx) {
  for (int64_t i = 0; i < p.height * p.width * p.channels; i++) dx[i] = 0.0f;
}

void Gradient(const Pool& p, const float* x, const float* dy, float* dx) {
  Clear(p, dx);
  float best[kBlock];
  int32_t winner[kBlock];
  ForEachWindow(p, [&](int64_t pixel, int64_t rows, int64_t columns) {
    for (int64_t channel = 0; channel < p.channels; channel += kBlock) {
      const int64_t length = Min(kBlock, p.channels - channel);
      const int64_t at = pixel * p.channels + channel;
      Find(p, x + at, rows, columns, length, best, winner);
      GiveAll(p, dy + channel, winner, rows, columns, length, dx + at);
    }
    dy += p.channels;
  });
}

void ForwardPlaces(const Pool& p, const float* x, float* y, uint8_t* places) {
  int32_t winner[kBlock];
  ForEachWindow(p, [&](int64_t pixel, int64_t rows, int64_t columns) {
    for (int64_t channel = 0; channel < p.channels; channel += kBlock) {
      const int64_t length = Min(kBlock, p.channels - channel);
      Find(p, x + pixel * p.channels + channel, rows, columns, length, y + channel, winner);
      for (int64_t c = 0; c < length; c++) places[channel + c] = static_cast<uint8_t>(winner[c]);
    }
    y += p.channels;
    places += p.channels;
  });
}

void GradientAt(const Pool& p, const uint8_t* places, const float* dy, float* dx) {
  Clear(p, dx);
  ForEachWindow(p, [&](int64_t pixel, int64_t rows, int64_t columns) {
    GiveAll(p, dy, places, rows, columns, p.channels, dx + pixel * p.channels);
    dy += p.channels;
    places += p.channels;
  });
}

}  // namespace

#define LOOPS_OF(set) \
  extern const PoolLoops pool_loops_##set = {Forward, Gradient, ForwardPlaces, GradientAt}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
