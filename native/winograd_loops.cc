// Winograd's gradient of a 3x3 convolution's input: the transforms, and between them a matrix
// product for each of the 36 points, of tiles by a panel of channels. Every sum runs in one order,
// whatever tiles are computed together. Compiled once for each INSTRUCTION_SET, without the
// standard library (see lif_loops.cc).
#include "winograd_loops.h"

#include "vectors.h"
#include "winograd_transforms.h"

namespace spikingformer {
namespace {

/** Tiles by vectors of channels whose sums are in registers: AVX-512 has 32 of them, others 16. */
#if defined(__AVX512F__)
constexpr int kRows = 14;
#else
constexpr int kRows = 6;
#endif
constexpr int64_t kPanel = 2 * kLanes;
/** Numbers of a cache line. */
constexpr int64_t kLine = 16;

inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }

void Pack(const Winograd& p, const float* taps, int64_t channel, int64_t filter, float* panel) {
  const int64_t filters = Min(kLanes, p.filters - filter);
  const int64_t step = PanelStep(p, kLanes, kPanel), matrix = p.channels * p.filters;
  for (int half = 0; half < 2; half++, channel += kLanes) {
    const int64_t channels = Min(kLanes, p.channels - channel);
    alignas(64) float turned[kLanes * 9 * kLanes] = {};
    // The filter turned over, and its channels side by side.
    for (int64_t tap = 0; tap < 9; tap++) {
      for (int64_t c = 0; c < channels; c++) {
        const float* const from = taps + (8 - tap) * matrix + (channel + c) * p.filters + filter;
        for (int64_t k = 0; k < filters; k++) turned[(9 * k + tap) * kLanes + c] = from[k];
      }
    }
    for (int64_t k = 0; k < kLanes; k++) {
      TransformFilter(turned + 9 * k * kLanes, panel + (filter + k) * kPanel + half * kLanes, step);
    }
  }
}

/** Where a tile lies. */
struct Place {
  int64_t image, row, column;

  Place(const Winograd& p, int64_t tile)
      : image(tile / p.ImageTiles() * p.height * p.width),
        row(tile % p.ImageTiles() / p.Across() * 4),
        column(tile % p.Across() * 4) {}
};

/**
 * Transformed inputs, [vectors of filters, points, tiles, lanes]: numbers from a point to the next.
 * An odd number of vectors, lest all points of a tile begin at a few places in the caches.
 */
inline int64_t PointStep(int64_t tiles) { return (tiles | 1) * kLanes; }

/** dy's tiles [begin, end), transformed. */
void TransformInputs(const Winograd& p, const float* dy, int64_t begin, int64_t end,
                     const WinogradMemory& memory) {
  const int64_t whole = p.filters / kLanes * kLanes, left = p.filters - whole;
  const int64_t step = PointStep(end - begin);
  for (int64_t k = 0; k < whole; k++) memory.outside[k] = 0.0f;
  for (int64_t tile = begin; tile < end; tile++) {
    const Place place(p, tile);
    const float* pixels[kPoints];
    bool inside[kPoints];
    for (int i = 0; i < kPoints; i++) {
      const int64_t row = place.row + i / 6 - 1, column = place.column + i % 6 - 1;
      inside[i] = row >= 0 && row < p.height && column >= 0 && column < p.width;
      const float* const pixel = dy + (place.image + row * p.width + column) * p.filters;
      pixels[i] = inside[i] ? pixel : memory.outside;
    }
    float* to = memory.inputs + (tile - begin) * kLanes;
    for (int64_t k = 0; k < whole; k += kLanes, to += kPoints * step) {
      TransformInput(pixels, k, to, step);
    }
    if (left == 0) continue;
    Tile copies = {};
    for (int i = 0; i < kPoints; i++) {
      float* const copy = copies.numbers + i * kLanes;
      for (int64_t j = 0; inside[i] && j < left; j++) copy[j] = pixels[i][whole + j];
      pixels[i] = copy;
    }
    TransformInput(pixels, 0, to, step);
  }
}

/** A part of the panel's next matrix: cache lines to fetch with each vector of filters. */
struct Ahead {
  const float* from;
  int64_t lines;
};

/** kSums tiles by a panel, of one point; step: numbers from a vector of filters to the next. */
template <int kSums>
void Multiply(int64_t depth, const float* inputs, int64_t step, const float* panel, float* to,
              Ahead ahead) {
  Vector sums[kSums][2] = {};
  for (int64_t k = 0; k < depth; k += kLanes, inputs += step) {
    for (int64_t i = 0; i < ahead.lines; i++, ahead.from += kLine) {
      __builtin_prefetch(ahead.from, 0, 2);
    }
    for (int j = 0; j < kLanes; j++, panel += kPanel) {
      const Vector left = Load(panel), right = Load(panel + kLanes);
      for (int i = 0; i < kSums; i++) {
        sums[i][0] = MultiplyAdd(inputs[i * kLanes + j], left, sums[i][0]);
        sums[i][1] = MultiplyAdd(inputs[i * kLanes + j], right, sums[i][1]);
      }
    }
  }
  for (int i = 0; i < kSums; i++, to += kPoints * kPanel) {
    Store(sums[i][0], to);
    Store(sums[i][1], to + kLanes);
  }
}

/** The same of a number of tiles that is at most kSums. */
template <int kSums>
inline void MultiplyRows(int64_t rows, int64_t depth, const float* inputs, int64_t step,
                         const float* panel, float* to, const Ahead& ahead) {
  if constexpr (kSums > 0) {
    if (rows == kSums) return Multiply<kSums>(depth, inputs, step, panel, to, ahead);
    MultiplyRows<kSums - 1>(rows, depth, inputs, step, panel, to, ahead);
  }
}

/** The products of all tiles by a panel, as [tiles, points, panel]. */
void MultiplyPanel(const Winograd& p, const float* inputs, int64_t tiles, const float* panel,
                   float* products) {
  const int64_t depth = Depth(p, kLanes), step = PointStep(tiles);
  const int64_t groups = (tiles + kRows - 1) / kRows;
  const int64_t lines = (kLanes * kPanel / kLine + groups - 1) / groups;
  for (int64_t point = 0; point < kPoints; point++) {
    const float* const next = panel + PanelStep(p, kLanes, kPanel);
    for (int64_t group = 0; group < groups; group++) {
      // Groups of about one size: few tiles leave the processor waiting for their sums.
      const int64_t begin = group * tiles / groups, end = (group + 1) * tiles / groups;
      const Ahead ahead = {next + group * lines * kLine * depth / kLanes, lines};
      MultiplyRows<kRows>(end - begin, depth, inputs + point * step + begin * kLanes,
                          kPoints * step, panel, products + (begin * kPoints + point) * kPanel,
                          ahead);
    }
    panel = next;
  }
}

/** Writes a vector of channels of a tile to dx. Returns zeros, or NaN if one is not finite. */
inline Vector WriteTile(const Winograd& p, const Place& place, const float* products,
                        int64_t channel, float* dx) {
  const int64_t channels = Min(kLanes, p.channels - channel);
  Vector zeros = {};
  TransformOutput(products, kPanel, [&](int i, const Vector& x) {
    zeros += x * 0.0f;
    const int64_t row = place.row + i / 4, column = place.column + i % 4;
    if (row >= p.height || column >= p.width) return;
    float* const to = dx + (place.image + row * p.width + column) * p.channels + channel;
    if (channels == kLanes) return Store(x, to);
    for (int64_t j = 0; j < channels; j++) to[j] = x[j];
  });
  return zeros;
}

bool MultiplyTiles(const Winograd& p, const float* dy, const float* panels, float* dx,
                   int64_t begin, int64_t end, const WinogradMemory& memory) {
  const int64_t tiles = end - begin;
  TransformInputs(p, dy, begin, end, memory);
  Vector zeros = {};
  for (int64_t channel = 0; channel < p.channels; channel += kPanel) {
    const float* const panel = panels + channel / kPanel * kPoints * PanelStep(p, kLanes, kPanel);
    MultiplyPanel(p, memory.inputs, tiles, panel, memory.products);
    for (int64_t tile = 0; tile < tiles; tile++) {
      const Place place(p, begin + tile);
      for (int64_t c = channel; c < Min(channel + kPanel, p.channels); c += kLanes) {
        const float* const from = memory.products + tile * kPoints * kPanel + c - channel;
        zeros += WriteTile(p, place, from, c, dx);
      }
    }
  }
  return AllZero(zeros);
}

}  // namespace

#define LOOPS_OF(set) \
  extern const WinogradLoops winograd_loops_##set = {kLanes, kPanel, Pack, MultiplyTiles}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
