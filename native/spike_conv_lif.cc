// The op SpikingformerSpikeConvLif: SpikeConv2DLIF of lib/kernels/spike_conv_lif.ts. The sums of
// all time steps of a piece stay in the L2 cache until the neurons behind them have fired.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "affine.h"
#include "multi_step_lif.h"
#include "ops.h"
#include "spike_images.h"
#include "thread_pool.h"
#include "tile_products.h"

namespace spikingformer {
namespace {

const Variants<SpikeLoops> kLoops = VARIANTS(spike_loops);

/** Numbers of the map that one piece of the work has, about: they are to stay in the L2 cache. */
constexpr int64_t kNumbers = 1 << 17;
/** Its output pixels, of all time steps. */
constexpr int64_t kLeastPixels = 64, kPixels = 512;
/** More of them do not stay in the cache. */
constexpr int64_t kMostPixels = 1024;

struct Attrs {
  float most = 0;
  bool packed = false;
  std::vector<int64_t> shape;
  AffineAttrs affine = {};
  Neurons neurons = {};
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->most = read.Float("most");
  attrs->packed = read.Bool("packed");
  attrs->shape = read.Ints("shape");
  attrs->affine = ReadAffineAttrs(read);
  attrs->neurons = ReadNeurons(read);
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** x as samples of `time` images each. */
struct TimedImages {
  SpikeConv conv = {};
  int64_t samples = 0, time = 0;

  int64_t image() const { return conv.height * conv.width; }
};

/** A matrix product's rows of one time step are an image one pixel wide. */
TimedImages ReadTimedImages(Call& call, const SpikeInput& input) {
  const Images images = ReadImages(call, input);
  if (!call.ok()) return {};
  const std::vector<int64_t>& shape = input.shape;
  const size_t inner = images.conv.size > 1 ? 3 : 1;
  if (shape.size() < inner + 2 || shape[1] == 0) {
    call.Fail("x must be [batch, time, ..., channels] with at least one time step");
    return {};
  }
  TimedImages x = {images.conv, shape[0], shape[1]};
  if (inner == 3) {
    if (shape.size() != inner + 2) call.Fail("x must be [batch, time, height, width, channels]");
    return x;
  }
  x.conv.height = 1;
  for (size_t i = 2; i + 1 < shape.size(); i++) x.conv.height *= shape[i];
  if (x.time == 1) {  // one step of all samples is one image
    x.conv.height *= x.samples;
    x.samples = 1;
  }
  return x;
}

/** Some rows of some samples. */
struct Piece {
  int64_t samples, rows;
};

/** About kNumbers of the map, but no more than a thread's share of it. */
Piece PieceOf(const TimedImages& x) {
  const int64_t row = std::max<int64_t>(1, x.time * x.conv.width);
  const int64_t share = x.samples * x.time * x.image() / Threads();
  const int64_t pixels = std::clamp(
      std::min(kNumbers / std::max<int64_t>(1, x.conv.filters), share), kLeastPixels, kPixels);
  const int64_t rows = std::clamp<int64_t>(pixels / row, 1, std::max<int64_t>(1, x.conv.height));
  if (rows < x.conv.height) return {1, rows};
  return {std::max<int64_t>(1, pixels / (row * rows)), rows};
}

/**
 * The neurons behind a piece's map [samples, time, pixels, filters], whose first spike is number
 * `at`: calls fire(neurons, a block of them, its first spike, its length).
 */
template <class Fire>
void FireBehind(const TimedImages& x, const Neurons& given, int64_t samples, int64_t pixels,
                const float* map, int64_t at, const Fire& fire) {
  Neurons neurons = given;
  neurons.time = x.time;
  neurons.stride = x.image() * x.conv.filters;
  neurons.x_stride = pixels * x.conv.filters;
  for (int64_t sample = 0; sample < samples; sample++) {
    for (int64_t i = 0; i < neurons.x_stride; i += kForwardNeurons) {
      fire(neurons, {map + sample * x.time * neurons.x_stride + i, nullptr, nullptr, nullptr},
           at + sample * x.time * neurons.stride + i,
           std::min(kForwardNeurons, neurons.x_stride - i));
    }
  }
}

/** Calls body(first sample, samples, first row, end, memory, its map) for all of the output. */
template <class Body>
void ForEachPiece(const TimedImages& x, const Body& body) {
  const SpikeConv& p = x.conv;
  const Piece most = PieceOf(x);
  const int64_t by_row = (p.height + most.rows - 1) / most.rows;
  const int64_t by_sample = (x.samples + most.samples - 1) / most.samples;
  ParallelFor(by_sample * by_row, 1, [&](int64_t begin, int64_t end) {
    const int64_t images = most.samples * x.time;
    const ForwardMemory memory = ForwardScratch(p, most.rows, FilterStrip(), images);
    float* const map = Scratch<float, kMap>(images * most.rows * p.width * p.filters);
    for (int64_t i = begin; i < end; i++) {
      const int64_t sample = i / by_row * most.samples, row = i % by_row * most.rows;
      body(sample, std::min(most.samples, x.samples - sample), row,
           std::min(row + most.rows, p.height), memory, map);
    }
  });
}

/**
 * The result, `words` if it is to be packed, is empty if the two ops one after the other are right,
 * or may be faster: if x is not spikes or has more than `most` of them, if the filter is not
 * finite, if AMX computes the product, or if one row of all time steps is too much.
 */
void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const Attrs& attrs = *static_cast<Attrs*>(given);
  SpikeInput input = ReadSpikes(call, 0, attrs.shape);
  const TimedImages x = ReadTimedImages(call, input);
  if (!call.ok()) return;
  const SpikeConv& p = x.conv;
  const Affine affine = ReadAffine(call, 2, attrs.affine, p.filters);
  const int after = 2 + attrs.affine.count;
  const float* const decay = TF_NumInputs(context) > after ? call.Data(after, "decay", 1) : nullptr;
  TF_Tensor* const filter = call.Input(1);
  if (!call.ok()) return;

  const bool fits = input.length > 0 && x.time * p.width <= kMostPixels;
  if (fits) input.Pack();
  const bool skips = fits && input.words && input.Density() < attrs.most &&
                     !FitTiles(p, Digits::kFloat32, false) &&
                     AllFinite(Numbers(filter), TF_TensorElementCount(filter));
  std::vector<int64_t> shape = input.shape;
  shape.back() = p.filters;
  const bool packed = skips && attrs.packed;
  float* const spikes = call.Output(0, skips && !packed ? shape : std::vector<int64_t>{0});
  std::optional<FiredBits> bits;
  if (packed) bits.emplace(call, 1, CountOf(shape), p.filters);
  if (!packed) call.Integers(1, 0);
  if (!call.ok() || !skips) return;

  Neurons neurons = attrs.neurons;
  if (decay) UseDecay(*decay, neurons);
  const float* const panels = PackFilter(p, Numbers(filter));
  ForEachPiece(x, [&](int64_t sample, int64_t samples, int64_t begin, int64_t end,
                      const ForwardMemory& memory, float* map) {
    const int64_t pixel = sample * x.time * x.image();
    Best(kLoops).forward_spikes(p, samples * x.time, {input.words, pixel * p.channels}, panels,
                                {affine.scale, affine.shift}, map, begin, end, memory);
    FireBehind(x, neurons, samples, (end - begin) * p.width, map,
               (pixel + begin * p.width) * p.filters,
               [&](const Neurons& behind, ForwardBlock block, int64_t at, int64_t length) {
                 if (bits) return bits->Fire(behind, block, at, length);
                 block.spikes = spikes + at;
                 Best(kLifLoops).forward(behind, block, length);
               });
  });
  if (bits) bits->WriteCount();
}

}  // namespace

void RegisterSpikeConvLif(const Status& status) {
  std::vector<const char*> attrs = {kSpikeType,    kSpikeShape,   kAffineCount,  kAffineEpsilon,
                                    "N: int >= 0", "most: float", "packed: bool"};
  attrs.insert(attrs.end(), kNeuronAttrs.begin(), kNeuronAttrs.end());
  Register({"SpikingformerSpikeConvLif",
            {"x: X", "filter: float", "affine: A * float", "decay: N * float"},
            {"spikes: float", "words: int32"},
            attrs},
           Create, Forward, Delete, status);
}

}  // namespace spikingformer
