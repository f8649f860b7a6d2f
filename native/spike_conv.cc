// The ops of convolutions and matrix products that skip the zeros of their input: SpikeConv2D of
// lib/kernels/spike_conv2d.ts, the gradient of its filter, and how to tell whether that is worth
// it.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>

#include "op.h"
#include "ops.h"
#include "spike_gradient_loops.h"
#include "spike_loops.h"
#include "thread_pool.h"

namespace spikingformer {
namespace {

const Variants<SpikeLoops> kLoops = VARIANTS(spike_loops);
const Variants<SpikeGradientLoops> kGradientLoops = VARIANTS(spike_gradient_loops);

/** Output pixels that one piece of the forward work has, at least. */
constexpr int64_t kForwardPixels = 256;
/**
 * Pixels whose strip of dy (nearly) stays in the L1 cache: of matrices, whose strips are wider, and
 * of images.
 */
constexpr int64_t kBlockRows = 128, kBlockPixels = 192;

struct AlignedDelete {
  void operator()(void* memory) const { ::operator delete(memory, kAlignment); }
  /** A cache line: a vector across two takes twice as long to load. */
  static constexpr std::align_val_t kAlignment{64};
};

/** Memory that a thread keeps for its next loop; what is in it is undefined. */
template <class T, int kPurpose>
T* Scratch(int64_t length) {
  thread_local std::unique_ptr<T, AlignedDelete> memory;
  thread_local int64_t capacity = 0;
  if (length > capacity) {
    memory.reset();
    memory.reset(static_cast<T*>(::operator new(length * sizeof(T), AlignedDelete::kAlignment)));
    capacity = length;
  }
  return memory.get();
}
enum Purpose { kPanels, kStarts, kLists, kKept, kPlaces, kValues, kEnds, kEntries, kPanel };

/** x as images: [batch, height, width, channels], or the rows [..., channels] of a matrix. */
struct Images {
  SpikeConv conv = {};
  int64_t count = 0;
};

Images AsImages(const std::vector<int64_t>& shape, int64_t size, int64_t filters) {
  Images images;
  images.conv.channels = shape.back();
  images.conv.filters = filters;
  images.conv.size = size;
  if (size > 1) {
    images.count = shape[0];
    images.conv.height = shape[1];
    images.conv.width = shape[2];
    return images;
  }
  images.count = images.conv.height = images.conv.width = 1;
  for (size_t i = 0; i + 1 < shape.size(); i++) images.conv.height *= shape[i];
  return images;
}

const float* Numbers(const TF_Tensor* tensor) {
  return static_cast<const float*>(TF_TensorData(tensor));
}

void* NoAttrs(TF_OpKernelConstruction*) { return nullptr; }
void Nothing(void*) {}

/** The filter's strips one after the other. */
const float* PackFilter(const SpikeConv& p, const float* filter) {
  const int64_t strip = Best(kLoops).strip, rows = p.size * p.size * p.channels;
  const int64_t strips = (p.filters + strip - 1) / strip;
  float* const panels = Scratch<float, kPanels>(strips * rows * strip);
  ParallelFor(strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Best(kLoops).pack(filter, rows, p.filters, i * strip, panels + i * rows * strip);
    }
  });
  return panels;
}

void Forward(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* x = call.Input(0);
  TF_Tensor* filter = call.Input(1);
  if (!call.ok()) return;
  std::vector<int64_t> shape = Shape(x);
  const std::vector<int64_t> taps = Shape(filter);
  const bool matrix = taps.size() == 2;
  if ((!matrix && taps.size() != 4) || (matrix ? shape.size() < 2 : shape.size() != 4)) {
    return call.Fail("filter must be [size, size, channels, filters] or [channels, filters]");
  }
  const int64_t size = matrix ? 1 : taps[0];
  if (shape.back() != taps[taps.size() - 2] || size % 2 == 0 || (!matrix && taps[1] != size)) {
    return call.Fail("filter must have x's channels, and as many rows as columns, an odd number");
  }
  const Images images = AsImages(shape, size, taps.back());
  const SpikeConv& p = images.conv;
  const bool affine = TF_NumInputs(context) > 2;
  const float* const scale = affine ? call.Data(2, "scale", p.filters) : nullptr;
  const float* const shift = affine ? call.Data(3, "shift", p.filters) : nullptr;
  shape.back() = p.filters;
  float* const y = call.Output(0, shape);
  if (!call.ok()) return;

  const float* const panels = PackFilter(p, Numbers(filter));
  const int64_t wide = std::max<int64_t>(1, p.width);
  const int64_t rows = std::min(p.height, std::max<int64_t>(1, kForwardPixels / wide));
  const int64_t pieces = rows > 0 ? (p.height + rows - 1) / rows : 0;
  ParallelFor(images.count * pieces, 1, [&](int64_t begin, int64_t end) {
    const ForwardMemory memory = {Scratch<int32_t, kStarts>(ForwardStarts(p, rows)),
                                  Scratch<int32_t, kLists>(ForwardLists(p, rows)),
                                  Scratch<float, kKept>(ForwardKept(p, rows, Best(kLoops).strip))};
    for (int64_t i = begin; i < end; i++) {
      const int64_t pixels = i / pieces * p.height * p.width, row = i % pieces * rows;
      Best(kLoops).forward(p, Numbers(x) + pixels * p.channels, panels, scale, shift,
                           y + pixels * p.filters, row, std::min(row + rows, p.height), memory);
    }
  });
}

/**
 * Several images, or about equal parts of one. The same for every number of threads, as the sums
 * must be.
 */
PixelBlock Block(const SpikeConv& p, int64_t images) {
  const int64_t image = p.height * p.width, most = p.size == 1 ? kBlockRows : kBlockPixels;
  if (image <= most) return {std::min(images, most / image), p.height};
  const int64_t rows = std::max<int64_t>(1, most / p.width), blocks = (p.height + rows - 1) / rows;
  return {1, (p.height + blocks - 1) / blocks};
}

struct GradientAttrs {
  int64_t size;
};

void* CreateGradient(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new GradientAttrs{read.Int("size")};
}

void DeleteGradient(void* attrs) { delete static_cast<GradientAttrs*>(attrs); }

void FilterGradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const int64_t size = static_cast<GradientAttrs*>(attrs)->size;
  TF_Tensor* x = call.Input(0);
  TF_Tensor* dy = call.Input(1);
  if (!call.ok()) return;
  const std::vector<int64_t> shape = Shape(x);
  std::vector<int64_t> pixels = Shape(dy);
  const int64_t filters = pixels.back();
  pixels.back() = shape.back();
  if (pixels != shape || shape.size() < 2 || (size > 1 && shape.size() != 4)) {
    return call.Fail("x and dy must be [batch, height, width, channels] of the same sides");
  }
  const Images images = AsImages(shape, size, filters);
  const SpikeConv& p = images.conv;
  const std::vector<int64_t> matrix = {p.channels, filters};
  float* const dw = call.Output(
      0, shape.size() == 2 ? matrix : std::vector<int64_t>{size, size, p.channels, filters});
  if (!call.ok()) return;
  if (TF_TensorElementCount(x) == 0 || filters == 0) {
    std::memset(dw, 0, size * size * p.channels * filters * sizeof(float));
    return;
  }

  const PixelBlock block = Block(p, images.count);
  // Every sum is made by one thread, in one order: the same whatever the number of threads. A
  // thread lists its channels of x and copies its filters of dy: what there is more of is divided
  // first.
  const int64_t half = Best(kLoops).strip / 2, halves = (filters + half - 1) / half;
  const int64_t splits = p.channels > filters ? 1 : std::min<int64_t>(halves, Threads());
  const int64_t split = (halves + splits - 1) / splits * half;
  const int64_t sharing = std::max<int64_t>(1, Threads() / splits);
  const int64_t share = (p.channels + sharing - 1) / sharing;
  const int64_t group = std::min<int64_t>(kGradientChannels, (share + 15) / 16 * 16);
  ParallelFor((p.channels + group - 1) / group * splits, 1, [&](int64_t begin, int64_t end) {
    const int64_t places = GradientPlaces(p, block, group);
    const GradientMemory memory = {
        Scratch<int32_t, kPlaces>(places),
        Scratch<float, kValues>(places),
        Scratch<int32_t, kEnds>(group),
        Scratch<Entry, kEntries>(group * GradientCapacity(p, block)),
        Scratch<float, kPanel>(GradientPanel(p, block, Best(kLoops).strip)),
    };
    for (int64_t i = begin; i < end; i++) {
      const int64_t channel = i / splits * group, first = i % splits * split;
      const FilterPart part = {channel, std::min(channel + group, p.channels), first,
                               std::min(first + split, filters)};
      Best(kGradientLoops)
          .filter_gradient(p, images.count, block, Numbers(x), Numbers(dy), dw, part, memory);
    }
  });
}

/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 16;

/** Whether one of them is infinite or NaN. */
bool HasNonFinite(const float* x, int64_t length) {
  std::atomic<bool> found{false};
  ParallelFor(length, kGrain, [&](int64_t begin, int64_t end) {
    if (!Best(kLoops).finite(x + begin, end - begin)) found = true;
  });
  return found;
}

struct DensityAttrs {
  float most;
};

void* CreateDensity(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new DensityAttrs{read.Float("most")};
}

void DeleteDensity(void* attrs) { delete static_cast<DensityAttrs*>(attrs); }

/** About which share of x is not zero; 1 where the other factor of a product is not finite. */
void Density(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* x = call.Input(0);
  TF_Tensor* other = call.Input(1);
  float* const density = call.Output(0, {});
  if (!call.ok()) return;
  *density = Best(kLoops).density(Numbers(x), TF_TensorElementCount(x));
  // Of a denser x nobody will skip anything.
  if (*density >= static_cast<DensityAttrs*>(attrs)->most) return;
  if (HasNonFinite(Numbers(other), TF_TensorElementCount(other))) *density = 1;
}

}  // namespace

void RegisterSpikeConv(const Status& status) {
  Register({"SpikingformerSpikeConv",
            {"x: float", "filter: float", "affine: N * float"},
            {"y: float"},
            {"N: int >= 0"}},
           NoAttrs, Forward, Nothing, status);
  Register({"SpikingformerSpikeConvFilterGrad",
            {"x: float", "dy: float"},
            {"dw: float"},
            {"size: int >= 1"}},
           CreateGradient, FilterGradient, DeleteGradient, status);
  Register(
      {"SpikingformerDensity", {"x: float", "other: float"}, {"density: float"}, {"most: float"}},
      CreateDensity, Density, DeleteDensity, status);
}

}  // namespace spikingformer
