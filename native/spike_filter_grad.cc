// The ops SpikingformerSpikeConvFilterGrad and SpikingformerSpikeBitsFilterGrad: the gradient of
// the filter of a convolution, or of the matrix of a product, whose input is mostly zero.
#include <algorithm>
#include <cstring>

#include "filter_parts.h"
#include "ops.h"
#include "spike_gradient_loops.h"
#include "spike_images.h"
#include "tile_products.h"

namespace spikingformer {
namespace {

const Variants<SpikeGradientLoops> kLoops = VARIANTS(spike_gradient_loops);

/**
 * Pixels whose strip of dy (nearly) stays in the L1 cache: of matrices, whose strips are wider, and
 * of images.
 */
constexpr int64_t kBlockRows = 128, kBlockPixels = 192;

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

/** The gradient, of spikes or of other numbers, to where `output` says. */
void SumFilterGradient(const Images& images, const SpikeInput& x, const float* dy,
                       const GradientOutput& output) {
  const SpikeConv& p = images.conv;
  const PixelBlock block = Block(p, images.count);
  const FilterParts parts(images, block, kGradientChannels, FilterStrip() / 2);
  const int64_t group = parts.group(), places = GradientPlaces(p, block, group);
  const SpikeGradientLoops& loops = Best(kLoops);
  const auto sum = [&](const FilterPart& part, float* share) {
    const GradientMemory memory = {
        Scratch<int32_t, kPlaces>(places),
        Scratch<float, kValues>(places),
        Scratch<int32_t, kEnds>(group),
        Scratch<Entry, kEntries>(group * GradientCapacity(p, block)),
        Scratch<float, kPanel>(GradientPanel(p, block, FilterStrip())),
    };
    return x.words
               ? loops.filter_gradient_spikes(p, images.count, block, {x.words, 0}, dy, share, part,
                                              memory)
               : loops.filter_gradient(p, images.count, block, x.numbers, dy, share, part, memory);
  };
  parts.Sum(sum, output);
}

constexpr char kOtherSides[] = "x and dy must be [..., height, width, channels] of the same sides";

struct GradientAttrs {
  int64_t size, channels;
  float most;
  bool matrix;
  Digits digits;
};

void* CreateGradient(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new GradientAttrs{read.Int("size"), read.Int("channels"), read.Float("most"),
                           read.Bool("matrix"),
                           read.Bool("rounded") ? Digits::kBfloat16 : Digits::kFloat32};
}

void DeleteGradient(void* attrs) { delete static_cast<GradientAttrs*>(attrs); }

/** Of such a share of spikes AMX is faster, even at a quarter of its speed. */
constexpr float kDense = 0.15f;

/**
 * The output is empty if a dense product is faster, or if dy is not finite. A product rounded to
 * bfloat16 has no other to leave that to.
 */
void FilterGradient(const GradientAttrs& given, Call* call, const SpikeInput& x) {
  TF_Tensor* const dy = call->Input(1);
  if (!call->ok()) return;
  const std::vector<int64_t> shape = Shape(dy);
  const size_t least = given.size > 1 ? 3 : 1;
  const int64_t numbers = TF_TensorElementCount(dy);
  const int64_t filters = shape.empty() ? 0 : shape.back();
  if (shape.size() < least || numbers * given.channels != x.length * filters) {
    return call->Fail(kOtherSides);
  }
  const Images images = AsImages(shape, given.channels, filters, given.size);
  const float density = x.Density();
  const bool tiles = x.words && FitTiles(images.conv, given.digits, density >= kDense);
  const bool rounds = tiles && given.digits == Digits::kBfloat16;
  const auto output = [&](bool finite) -> float* {
    if (!finite && !rounds) return call->Output(0, {0}), nullptr;
    const std::vector<int64_t> matrix = {given.channels, filters};
    const std::vector<int64_t> filter = {given.size, given.size, given.channels, filters};
    float* const dw = call->Output(0, given.matrix ? matrix : filter);
    return call->ok() ? dw : nullptr;
  };
  if (!tiles && density >= given.most) {
    call->Output(0, {0});
  } else if (x.length == 0 || filters == 0) {
    const int64_t taps = given.size * given.size * given.channels;
    float* const dw = output(true);
    if (dw) std::memset(dw, 0, taps * filters * sizeof(float));
  } else if (tiles) {
    SpikesFilterGradient(images, {x.words, 0}, Numbers(dy), given.digits, output);
  } else {
    SumFilterGradient(images, x, Numbers(dy), output);
  }
}

void OfNumbers(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  SpikeInput x = ReadSpikes(call, 0, {});
  TF_Tensor* dy = call.Input(1);
  if (!call.ok()) return;
  std::vector<int64_t> shape = x.shape, pixels = Shape(dy);
  if (!shape.empty()) shape.pop_back();
  if (!pixels.empty()) pixels.pop_back();
  if (shape != pixels) return call.Fail(kOtherSides);
  x.Pack();
  FilterGradient(*static_cast<GradientAttrs*>(attrs), &call, x);
}

void OfSpikes(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const GradientAttrs& given = *static_cast<GradientAttrs*>(attrs);
  TF_Tensor* dy = call.Input(1);
  if (!call.ok()) return;
  const int64_t filters = TF_NumDims(dy) > 0 ? TF_Dim(dy, TF_NumDims(dy) - 1) : 0;
  const int64_t pixels = filters > 0 ? TF_TensorElementCount(dy) / filters : 0;
  const int64_t length = pixels * given.channels;
  const uint32_t* const words = call.Words(0, length);
  if (call.ok()) FilterGradient(given, &call, {{}, length, nullptr, words});
}

}  // namespace

void RegisterSpikeFilterGrad(const Status& status) {
  const std::vector<const char*> attrs = {"size: int >= 1", "channels: int", "most: float",
                                          "matrix: bool", "rounded: bool"};
  Register({"SpikingformerSpikeConvFilterGrad", {"x: float", "dy: float"}, {"dw: float"}, attrs},
           CreateGradient, OfNumbers, DeleteGradient, status);
  Register(
      {"SpikingformerSpikeBitsFilterGrad", {"words: int32", "dy: float"}, {"dw: float"}, attrs},
      CreateGradient, OfSpikes, DeleteGradient, status);
}

}  // namespace spikingformer
