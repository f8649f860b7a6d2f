// The op SpikingformerSpikeConvPool: SpikeConv2DPool of lib/kernels/spike_conv_pool.ts. An image
// stays in the L2 cache until it has been pooled.
#include <algorithm>
#include <memory>
#include <vector>

#include "affine.h"
#include "first_max_pool.h"
#include "ops.h"
#include "pool_loops.h"
#include "spike_images.h"
#include "thread_pool.h"
#include "tile_products.h"

namespace spikingformer {
namespace {

const Variants<SpikeLoops> kLoops = VARIANTS(spike_loops);
const Variants<PoolLoops> kPoolLoops = VARIANTS(pool_loops);

/** Output pixels that are summed together, about. */
constexpr int64_t kPixels = 256;

struct Attrs {
  float most = 0;
  std::vector<int64_t> shape;
  AffineAttrs affine = {};
  Pool pool = {};
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->most = read.Float("most");
  attrs->shape = read.Ints("shape");
  attrs->affine = ReadAffineAttrs(read);
  attrs->pool = PoolOf(read);
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** The sums of all rows of an image, to `map`. */
void Convolve(const SpikeConv& p, const SpikeInput& x, int64_t from, const float* panels,
              const Finishing& finishing, int64_t rows, const ForwardMemory& memory, float* map) {
  for (int64_t row = 0; row < p.height; row += rows) {
    const int64_t end = std::min(row + rows, p.height);
    float* const to = map + row * p.width * p.filters;
    if (x.words) {
      Best(kLoops).forward_spikes(p, 1, {x.words, from}, panels, finishing, to, row, end, memory);
    } else {
      Best(kLoops).forward(p, x.numbers + from, panels, finishing, to, row, end, memory);
    }
  }
}

/**
 * The result is empty if the ops one after the other are right, or may be faster: if x has more
 * than `most` non-zeros, if the filter is not finite or is one of single pixels, or if AMX computes
 * the product.
 */
void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const Attrs& attrs = *static_cast<Attrs*>(given);
  SpikeInput x = ReadSpikes(call, 0, attrs.shape);
  TF_Tensor* const filter = call.Input(1);
  const Images images = ReadImages(call, x);
  if (!call.ok()) return;
  const SpikeConv& p = images.conv;
  const Affine affine = ReadAffine(call, 2, attrs.affine, p.filters);
  Pool pool = attrs.pool;
  if (p.size > 1 && !FitsPool(pool, p.height, p.width, p.filters)) {
    call.Fail("x must have images no smaller than the window");
  }
  if (!call.ok()) return;
  x.Pack();
  const bool skips = p.size > 1 && x.Density() < attrs.most &&
                     !(x.words && FitTiles(p, Digits::kFloat32, false)) &&
                     AllFinite(Numbers(filter), TF_TensorElementCount(filter));
  std::vector<int64_t> shape = x.shape;
  const size_t rank = shape.size();
  shape[rank - 3] = pool.out_height;
  shape[rank - 2] = pool.out_width;
  shape[rank - 1] = p.filters;
  float* const y = call.Output(0, skips ? shape : std::vector<int64_t>{0});
  if (!call.ok() || !skips) return;
  const float* const panels = PackFilter(p, Numbers(filter));
  const int64_t rows = std::clamp<int64_t>(kPixels / p.width, 1, p.height);
  const int64_t pooled = pool.out_height * pool.out_width * p.filters;
  ParallelFor(images.count, 1, [&](int64_t begin, int64_t end) {
    const ForwardMemory memory = ForwardScratch(p, rows, FilterStrip());
    float* const map = Scratch<float, kMap>(p.height * p.width * p.filters);
    for (int64_t i = begin; i < end; i++) {
      const int64_t from = i * p.height * p.width * p.channels;
      Convolve(p, x, from, panels, {affine.scale, affine.shift}, rows, memory, map);
      Best(kPoolLoops).forward(pool, map, y + i * pooled);
    }
  });
}

}  // namespace

void RegisterSpikeConvPool(const Status& status) {
  std::vector<const char*> attrs = {kSpikeType, kSpikeShape, kAffineCount, kAffineEpsilon,
                                    "most: float"};
  attrs.insert(attrs.end(), kPoolAttrs.begin(), kPoolAttrs.end());
  Register({"SpikingformerSpikeConvPool",
            {"x: X", "filter: float", "affine: A * float"},
            {"y: float"},
            attrs},
           Create, Forward, Delete, status);
}

}  // namespace spikingformer
