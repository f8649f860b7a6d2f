// FirstMaxPool, a thread a number of y, and its gradient, a thread a number of dx: it looks through
// the windows that it lies in, in their order, and takes the gradient of those that it has won.
#include "kernels.h"

namespace spikingformer {
namespace {

inline int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t Most(int64_t a, int64_t b) { return a > b ? a : b; }

/** Whether x takes a window over: the first of equals keeps it, NaN always takes it. */
inline bool Takes(float x, float best) { return x > best || x != x; }

/** The part of a window that lies in the image, in one direction. */
struct Range {
  int64_t begin, end;
};
inline Range Inside(const Pool& p, int64_t out, int64_t side) {
  const int64_t begin = out * p.strides - p.padding;
  return {Most(begin, 0), Least(begin + p.size, side)};
}

/** The windows that a place of the image lies in, in one direction. */
inline Range Around(const Pool& p, int64_t place, int64_t out_side) {
  const int64_t last = (place + p.padding) / p.strides;
  const int64_t before = place + p.padding - p.size;  // the last window that ends before it
  return {before < 0 ? 0 : before / p.strides + 1, Least(last + 1, out_side)};
}

/**
 * A channel's place that wins a window, counted in rows of the image; x is the image's numbers of
 * that channel.
 */
inline int64_t Winner(const Pool& p, const float* x, int64_t out_row, int64_t out_column) {
  const Range rows = Inside(p, out_row, p.height), columns = Inside(p, out_column, p.width);
  int64_t winner = rows.begin * p.width + columns.begin;
  float best = x[winner * p.channels];
  for (int64_t row = rows.begin; row < rows.end; row++) {
    for (int64_t column = columns.begin; column < columns.end; column++) {
      const int64_t place = row * p.width + column;
      if (!Takes(x[place * p.channels], best)) continue;
      best = x[place * p.channels];
      winner = place;
    }
  }
  return winner;
}

/** Where item i of [batch, height, width, channels] lies. */
struct Place {
  int64_t image, row, column, channel;
};
inline Place PlaceOf(int64_t i, int64_t height, int64_t width, int64_t channels) {
  const int64_t place = i / channels;
  return {place / width / height, place / width % height, place % width, i % channels};
}

/** The numbers of that channel in that image of x. */
inline const float* ChannelOf(const Pool& p, const float* x, const Place& place) {
  return x + place.image * p.height * p.width * p.channels + place.channel;
}

}  // namespace

KERNEL pool_forward(int64_t items, Pool p, const float* __restrict__ x, float* __restrict__ y) {
  for (EACH_ITEM(i)) {
    const Place out = PlaceOf(i, p.out_height, p.out_width, p.channels);
    const float* const channel = ChannelOf(p, x, out);
    y[i] = channel[Winner(p, channel, out.row, out.column) * p.channels];
  }
}

KERNEL pool_gradient(int64_t items, Pool p, const float* __restrict__ x,
                     const float* __restrict__ dy, float* __restrict__ dx) {
  for (EACH_ITEM(i)) {
    const Place in = PlaceOf(i, p.height, p.width, p.channels);
    const float* const channel = ChannelOf(p, x, in);
    const float* const gradients =
        dy + in.image * p.out_height * p.out_width * p.channels + in.channel;
    const Range rows = Around(p, in.row, p.out_height), columns = Around(p, in.column, p.out_width);
    float sum = 0.0f;
    for (int64_t row = rows.begin; row < rows.end; row++) {
      for (int64_t column = columns.begin; column < columns.end; column++) {
        if (Winner(p, channel, row, column) != in.row * p.width + in.column) continue;
        sum += gradients[(row * p.out_width + column) * p.channels];
      }
    }
    dx[i] = sum;
  }
}

}  // namespace spikingformer
