// Products by AMX of all pixels, and the op SpikingformerProductInputGrad.
//
// Every sum is made by one thread, in one order: the same whatever the number of threads. An
// infinite number counts as NaN, since one of its parts is.
#include "tile_products.h"

#include <algorithm>
#include <vector>

#include "filter_parts.h"
#include "ops.h"
#include "thread_pool.h"
#include "tile_loops.h"

namespace spikingformer {
namespace {

/** A block's places and its outputs are to stay in the L2 cache. */
constexpr int64_t kBlockBytes = 400 << 10;
constexpr int64_t kLeastPixels = 64, kMostPixels = 512;
/** Pixels of which a filter's gradient sums together. */
constexpr int64_t kGradientPixels = 256;

/** About so many pixels: some images, or rows of one. */
TileBlock BlockOf(const Images& images, int64_t pixels) {
  const SpikeConv& p = images.conv;
  const int64_t image = std::max<int64_t>(1, p.height * p.width);
  if (image <= pixels) return {std::min(images.count, pixels / image), 0, p.height};
  return {1, 0, std::max<int64_t>(1, pixels / p.width)};
}

/** The tiles of an image of a block. */
std::vector<TilePlace> PlaceTiles(const SpikeConv& p, int64_t rows) {
  const int64_t width = PaddedWidth(p), end = rows * width - 2 * p.padding();
  // A row of whole tiles has none that reaches into the padding.
  const bool by_row = p.width % kTileRows == 0;
  std::vector<TilePlace> tiles;
  for (int64_t first = 0; first < end; first += kTileRows) {
    if (by_row && first % width >= p.width) first += width - first % width;
    if (first >= end) break;
    TilePlace tile = {static_cast<int32_t>(first), {}};
    for (int64_t i = 0; i < kTileRows; i++) {
      const int64_t row = (first + i) / width, column = (first + i) % width;
      tile.pixels[i] = row < rows && column < p.width ? row * p.width + column : -1;
    }
    tiles.push_back(tile);
  }
  return tiles;
}

/** A filter as its panels: `rows` and `columns` of its matrices are numbers so far apart. */
const uint16_t* PackPanels(const TileLoops& loops, int64_t parts, const SpikeConv& p,
                           const float* filter, int64_t tap_step, int64_t row_step,
                           int64_t column_step) {
  const int64_t count = TilesOf(p.filters, kPanelColumns), panel = TilePanel(p, parts);
  uint16_t* const panels = Scratch<uint16_t, kPanels>(count * panel);
  ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      loops.pack(p, filter, tap_step, row_step, column_step, i * kPanelColumns, panels + i * panel);
    }
  });
  return panels;
}

/** Calls body(block, its first image's number, tiles, memory for its places) for all blocks. */
template <class Body>
void ForEachBlock(const Images& images, int64_t parts, const Body& body) {
  const SpikeConv& p = images.conv;
  const int64_t bytes = parts * TileStride(p) * sizeof(uint16_t) + p.filters * sizeof(float);
  const TileBlock most =
      BlockOf(images, std::clamp(kBlockBytes / bytes, kLeastPixels, kMostPixels));
  const PixelBlock whole = {most.images, most.rows};
  const std::vector<TilePlace> tiles = PlaceTiles(p, most.rows);
  ParallelFor(BlockCount(p, images.count, whole), 1, [&](int64_t begin, int64_t end) {
    uint16_t* const places =
        Scratch<uint16_t, kPlaces>(parts * TilePlaces(p, most) * TileStride(p));
    for (int64_t i = begin; i < end; i++) {
      const BlockPlace at = BlockAt(p, images.count, whole, i);
      const TileBlock block = {at.block.images, at.row, at.block.rows};
      body(block, at.image * p.height * p.width, tiles, places);
    }
  });
}

}  // namespace

bool FitTiles(const SpikeConv& p, Digits digits, bool dense) {
  const bool used =
      digits == Digits::kBfloat16 || dense || BestInstructionSet() == InstructionSet::kAmx;
  return used && HasAmx() && p.channels % kTileRows == 0 && p.filters % kTileRows == 0 &&
         p.channels > 0;
}

void MultiplySpikes(const Images& x, const SpikeBits& spikes, const float* filter,
                    const float* scale, const float* shift, float* y) {
  const SpikeConv& p = x.conv;
  const TileLoops& loops = tile_loops_exact;
  const uint16_t* const panels =
      PackPanels(loops, kExact, p, filter, p.channels * p.filters, p.filters, 1);
  ForEachBlock(x, 1, [&](const TileBlock& block, int64_t pixel, const auto& tiles, auto* places) {
    loops.spread(p, block, spikes.From(pixel * p.channels), places);
    loops.multiply_spikes(p, block, tiles.data(), tiles.size(), places, panels, scale, shift,
                          y + pixel * p.filters);
  });
}

void InputGradient(const Images& x, const float* filter, const float* dy, float* dx,
                   Digits digits) {
  const SpikeConv& p = x.conv;
  // A convolution of dy by the filter turned over, its matrices transposed.
  const SpikeConv back = {p.height, p.width, p.filters, p.channels, p.size};
  const int64_t matrix = p.channels * p.filters;
  const float* const last = filter + (p.size * p.size - 1) * matrix;
  const bool exact = digits == Digits::kFloat32;
  const TileLoops& loops = exact ? tile_loops_exact : tile_loops_rounded;
  const int64_t parts = exact ? kExact : kRounded;
  const uint16_t* const panels = PackPanels(loops, parts, back, last, -matrix, 1, p.filters);
  ForEachBlock({back, x.count}, parts,
               [&](const TileBlock& block, int64_t pixel, const auto& tiles, auto* places) {
                 loops.split(back, block, dy + pixel * p.filters, places);
                 loops.multiply_numbers(back, block, tiles.data(), tiles.size(), places, panels,
                                        nullptr, nullptr, dx + pixel * p.channels);
               });
}

void SpikesFilterGradient(const Images& x, const SpikeBits& spikes, const float* dy, Digits digits,
                          const GradientOutput& output) {
  const bool exact = digits == Digits::kFloat32;
  const TileGradientLoops& loops = exact ? tile_gradient_loops_exact : tile_gradient_loops_rounded;
  const SpikeConv& p = x.conv;
  const TileBlock rows = BlockOf(x, kGradientPixels);
  const PixelBlock block = {rows.images, rows.rows};
  const int64_t depth = TilesOf(block.images * block.rows * p.width, kTileDepth);
  const FilterParts parts(x, block, p.channels, kPanelColumns);
  const int64_t panel = parts.split() / kPanelColumns * depth * kExact * 2 * kTile;
  const auto sum = [&](const FilterPart& part, float* share) {
    const TileMemory memory = {
        Scratch<uint16_t, kPanel>(panel),
        Scratch<uint32_t, kLists>(TilePlaces(p, rows)),
        Scratch<uint32_t, kStarts>(depth * kTileDepth),
        Scratch<uint16_t, kKept>(depth * 2 * kTile),
    };
    return loops.filter_gradient(p, x.count, block, spikes, dy, share, part, memory);
  };
  parts.Sum(sum, output);
}

namespace {

struct InputGradientAttrs {
  Digits digits;
};

void* CreateInputGradient(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new InputGradientAttrs{read.Bool("rounded") ? Digits::kBfloat16 : Digits::kFloat32};
}

void DeleteInputGradient(void* attrs) { delete static_cast<InputGradientAttrs*>(attrs); }

void ComputeInputGradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const Digits digits = static_cast<InputGradientAttrs*>(attrs)->digits;
  TF_Tensor* const dy = call.Input(0);
  TF_Tensor* const filter = call.Input(1);
  if (!call.ok()) return;
  std::vector<int64_t> shape = Shape(dy);
  const std::vector<int64_t> taps = Shape(filter);
  const bool matrix = taps.size() == 2;
  if ((!matrix && taps.size() != 4) || shape.size() < (matrix ? 1 : 3)) {
    return call.Fail("filter must be [size, size, channels, filters] or [channels, filters]");
  }
  const int64_t size = matrix ? 1 : taps[0], channels = taps[taps.size() - 2];
  if (shape.back() != taps.back() || size % 2 == 0 || (!matrix && taps[1] != size)) {
    return call.Fail("filter must have dy's filters, and as many rows as columns, an odd number");
  }
  const Images images = AsImages(shape, channels, taps.back(), size);
  if (!FitTiles(images.conv, digits, false)) {
    return call.Fail("needs AMX, and channels and filters in sixteens");
  }
  shape.back() = channels;
  float* const dx = call.Output(0, shape);
  if (!call.ok() || TF_TensorElementCount(dy) == 0) return;
  InputGradient(images, Numbers(filter), Numbers(dy), dx, digits);
}

}  // namespace

void RegisterInputGradient(const Status& status) {
  Register({"SpikingformerProductInputGrad",
            {"dy: float", "filter: float"},
            {"dx: float"},
            {"rounded: bool"}},
           CreateInputGradient, ComputeInputGradient, DeleteInputGradient, status);
}

}  // namespace spikingformer
