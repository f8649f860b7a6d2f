// The op SpikingformerSpikeConv: convolutions and matrix products that skip the zeros of their
// input, SpikeConv2D and SpikeProduct of lib/kernels.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "affine.h"
#include "ops.h"
#include "spike_images.h"
#include "thread_pool.h"
#include "tile_products.h"

namespace spikingformer {

namespace {

const Variants<SpikeLoops> kLoops = VARIANTS(spike_loops);

/** Output pixels that one piece of the work has, at least. */
constexpr int64_t kPixels = 256;
/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 16;

}  // namespace

Images AsImages(const std::vector<int64_t>& shape, int64_t channels, int64_t filters,
                int64_t size) {
  const size_t outer = shape.size() - (size > 1 ? 3 : 1);
  int64_t count = 1;
  for (size_t i = 0; i < outer; i++) count *= shape[i];
  if (size > 1) return {{shape[outer], shape[outer + 1], channels, filters, size}, count};
  return {{count, 1, channels, filters, 1}, 1};
}

SpikeInput ReadSpikes(Call& call, int i, const std::vector<int64_t>& shape) {
  TF_Tensor* const tensor = call.Input(i);
  if (!call.ok()) return {};
  if (TF_TensorType(tensor) == TF_INT32) {
    const int64_t length = CountOf(shape);
    return {shape, length, nullptr, call.Words(i, length)};
  }
  return {Shape(tensor), TF_TensorElementCount(tensor), Numbers(tensor), nullptr};
}

void SpikeInput::Pack() {
  if (words) return;
  uint32_t* const packed = Scratch<uint32_t, kWords>(SpikeWords(length));
  if (PackSpikes(numbers, length, packed) >= 0) words = packed;
}

float SpikeInput::Density() const {
  if (!words) return DensityOf(numbers, length);
  return static_cast<float>(SpikeCount(words, length)) / std::max<int64_t>(length, 1);
}

Images ReadImages(Call& call, const SpikeInput& x) {
  TF_Tensor* const filter = call.Input(1);
  if (!call.ok()) return {};
  const std::vector<int64_t>&shape = x.shape, taps = Shape(filter);
  const bool matrix = taps.size() == 2;
  if ((!matrix && taps.size() != 4) || shape.size() < (matrix ? 1 : 3)) {
    call.Fail("filter must be [size, size, channels, filters] or [channels, filters]");
    return {};
  }
  const int64_t size = matrix ? 1 : taps[0];
  if (shape.back() != taps[taps.size() - 2] || size % 2 == 0 || (!matrix && taps[1] != size)) {
    call.Fail("filter must have x's channels, and as many rows as columns, an odd number");
    return {};
  }
  return AsImages(shape, shape.back(), taps.back(), size);
}

bool AllFinite(const float* x, int64_t length) {
  std::atomic<bool> finite{true};
  ParallelFor(length, kGrain, [&](int64_t begin, int64_t end) {
    if (!Best(kLoops).finite(x + begin, end - begin)) finite = false;
  });
  return finite;
}

float DensityOf(const float* x, int64_t length) { return Best(kLoops).density(x, length); }

int64_t FilterStrip() { return Best(kLoops).strip; }

const float* PackFilter(const SpikeConv& p, const float* filter) {
  const int64_t strip = FilterStrip(), rows = p.size * p.size * p.channels;
  const int64_t strips = (p.filters + strip - 1) / strip;
  float* const panels = Scratch<float, kPanels>(strips * rows * strip);
  ParallelFor(strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Best(kLoops).pack(filter, rows, p.filters, i * strip, panels + i * rows * strip);
    }
  });
  return panels;
}

namespace {

struct ForwardAttrs {
  float most;
  bool keep;
  std::vector<int64_t> shape;
  AffineAttrs affine;
  bool adds;
};

void* CreateForward(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new ForwardAttrs{read.Float("most"), read.Bool("keep"), read.Ints("shape"),
                          ReadAffineAttrs(read), read.Int("N") > 0};
}

void DeleteForward(void* attrs) { delete static_cast<ForwardAttrs*>(attrs); }

/** Calls body(image's first pixel, output rows [begin, end) of it, memory) for all of the output.
 */
template <class Body>
void ForEachPiece(const Images& images, const Body& body) {
  const SpikeConv& p = images.conv;
  const int64_t wide = std::max<int64_t>(1, p.width);
  const int64_t rows = std::min(p.height, std::max<int64_t>(1, kPixels / wide));
  const int64_t pieces = rows > 0 ? (p.height + rows - 1) / rows : 0;
  ParallelFor(images.count * pieces, 1, [&](int64_t begin, int64_t end) {
    const ForwardMemory memory = ForwardScratch(p, rows, FilterStrip());
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i % pieces * rows;
      body(i / pieces * p.height * p.width, row, std::min(row + rows, p.height), memory);
    }
  });
}

/**
 * With `keep`, the words are x if that is numbers and all are spikes, else none. y is empty if x
 * has more than `most` non-zeros, or if the filter is not finite: a dense product is then faster,
 * or right.
 */
void Forward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const ForwardAttrs& given = *static_cast<ForwardAttrs*>(attrs);
  SpikeInput x = ReadSpikes(call, 0, given.shape);
  TF_Tensor* filter = call.Input(1);
  const Images images = ReadImages(call, x);
  if (!call.ok()) return;
  const SpikeConv& p = images.conv;
  const Affine affine = ReadAffine(call, 2, given.affine, p.filters);
  const int64_t numbers = images.count * p.height * p.width * p.filters;
  const float* const addend =
      given.adds ? call.Data(2 + given.affine.count, "addend", numbers) : nullptr;

  x.Pack();
  const int64_t keep = x.words && x.numbers && given.keep ? SpikeWords(x.length) : 0;
  int32_t* const kept = call.Integers(1, keep);
  if (!call.ok()) return;
  if (keep > 0) std::memcpy(kept, x.words, keep * sizeof(uint32_t));

  const bool tiles = x.words && FitTiles(p, Digits::kFloat32, false);
  const bool skips = (tiles || x.Density() < given.most) &&
                     AllFinite(Numbers(filter), TF_TensorElementCount(filter));
  std::vector<int64_t> shape = x.shape;
  shape.back() = p.filters;
  float* const y = call.Output(0, skips ? shape : std::vector<int64_t>{0});
  if (!call.ok() || !skips) return;
  if (tiles && x.length > 0) {
    MultiplySpikes(images, {x.words, 0}, Numbers(filter), affine.scale, affine.shift, y);
    if (!addend) return;
    return ParallelFor(numbers, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) y[i] += addend[i];
    });
  }
  const float* const panels = PackFilter(p, Numbers(filter));
  ForEachPiece(images, [&](int64_t pixel, int64_t begin, int64_t end, const ForwardMemory& memory) {
    const int64_t at = (pixel + begin * p.width) * p.filters;
    const int64_t from = pixel * p.channels;
    const Finishing finishing = {affine.scale, affine.shift, addend ? addend + at : nullptr};
    if (x.words) {
      Best(kLoops).forward_spikes(p, 1, {x.words, from}, panels, finishing, y + at, begin, end,
                                  memory);
    } else {
      Best(kLoops).forward(p, x.numbers + from, panels, finishing, y + at, begin, end, memory);
    }
  });
}

}  // namespace

void RegisterSpikeConv(const Status& status) {
  Register({"SpikingformerSpikeConv",
            {"x: X", "filter: float", "affine: A * float", "addend: N * float"},
            {"y: float", "words: int32"},
            {kSpikeType, kSpikeShape, kAffineCount, kAffineEpsilon, "N: int >= 0", "most: float",
             "keep: bool"}},
           CreateForward, Forward, DeleteForward, status);
}

}  // namespace spikingformer
