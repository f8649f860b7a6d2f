// The ops SpikingformerBatchNormPool and SpikingformerBatchNormPoolGrad: BatchNormPool of
// lib/kernels/batch_norm_pool.ts. What lies between the norm and the pool is an image at a time, in
// the caches; for the gradient the places of the maxima are kept.
#include <algorithm>
#include <memory>
#include <vector>

#include "batch_norm.h"
#include "first_max_pool.h"
#include "ops.h"
#include "pool_loops.h"
#include "spike_images.h"

namespace spikingformer {
namespace {

const Variants<PoolLoops> kLoops = VARIANTS(pool_loops);

struct Attrs {
  float epsilon = 0;
  Pool pool = {};
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->epsilon = read.Float("epsilon");
  attrs->pool = PoolOf(read);
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** x as images [..., height, width, channels] that are pooled. */
struct PooledImages {
  Pool pool = {};
  int64_t count = 0;
  std::vector<int64_t> out_shape;

  int64_t rows() const { return pool.height * pool.width; }
  int64_t image() const { return rows() * pool.channels; }
  int64_t pooled() const { return pool.out_height * pool.out_width * pool.channels; }
};

PooledImages PooledImagesOf(Call& call, const Pool& pool, const std::vector<int64_t>& shape) {
  PooledImages images;
  images.pool = pool;
  if (!call.ok()) return images;
  const size_t rank = shape.size();
  if (rank < 4 || !FitsPool(images.pool, shape[rank - 3], shape[rank - 2], shape[rank - 1])) {
    call.Fail("x must be [..., height, width, channels], no smaller than the window");
    return images;
  }
  if (pool.size > kMostPlaced) call.Fail("pool_size must be at most 16");
  images.count = CountOf(shape) / images.image();
  images.out_shape = shape;
  images.out_shape[rank - 3] = images.pool.out_height;
  images.out_shape[rank - 2] = images.pool.out_width;
  return images;
}

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const NormForward op(call, false, true);
  const PooledImages images = PooledImagesOf(call, attrs.pool, op.in.shape);
  float* const y = call.Output(0, images.out_shape);
  uint8_t* const places = OutputPlaces(call, 3, images.count * images.pooled());
  if (!call.ok()) return;
  ChannelMoments(op.in, op.mean, op.variance);
  const Norm norm(op.in.channels, op.gamma, op.beta, op.mean, op.variance, attrs.epsilon);
  ParallelFor(images.count, 1, [&](int64_t begin, int64_t end) {
    float* const image = Scratch<float, kImage>(images.image());
    for (int64_t i = begin; i < end; i++) {
      Best(kNormLoops)
          .normalize(norm.channels(), op.in.x + i * images.image(), image, images.rows());
      const int64_t at = i * images.pooled();
      Best(kLoops).forward_places(images.pool, image, y + at, places + at);
    }
  });
}

/** The pool's gradient of an image is computed twice: for the sums, and once they are known. */
void Gradient(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const NormInput in = ReadNormInput(call, 1, false);
  const PooledImages images = PooledImagesOf(call, attrs.pool, in.shape);
  const int64_t maxima = images.count * images.pooled();
  const float* const dy = call.Data(0, "dy", maxima);
  const float* const gamma = call.Data(2, "gamma", in.channels);
  const float* const mean = call.Data(3, "mean", in.channels);
  const float* const variance = call.Data(4, "variance", in.channels);
  const auto* const places =
      reinterpret_cast<const uint8_t*>(call.GivenIntegers(5, "places", PlaceWords(maxima)));
  float* const dx = call.Output(0, in.shape);
  float* const d_gamma = call.Output(1, in.channel_shape);
  float* const d_beta = call.Output(2, in.channel_shape);
  if (!call.ok()) return;

  Norm norm(in.channels, gamma, nullptr, mean, variance, attrs.epsilon);
  const auto before = [&](int64_t i) {
    float* const image = Scratch<float, kImage>(images.image());
    const int64_t at = i * images.pooled();
    Best(kLoops).gradient_at(images.pool, places + at, dy + at, image);
    return image;
  };
  const int64_t block = std::max<int64_t>(1, kSumBlock / in.channels);
  const int64_t parts = PartsOf(images.count, in.size());
  ChannelSums sums(parts, in.channels);
  ForEachPart(parts, images.count, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> few(2 * in.channels);
    for (int64_t i = begin; i < end; i++) {
      const float* const x = in.x + i * images.image();
      const float* const d_image = before(i);
      for (int64_t row = 0; row < images.rows(); row += block) {
        const int64_t at = row * in.channels, rows = std::min(block, images.rows() - row);
        Best(kNormLoops)
            .gradient_sums(norm.channels(), x + at, d_image + at, rows, few.data(),
                           few.data() + in.channels);
        Best(kNormLoops).gather(few.data(), sums.First(part), 2 * in.channels);
      }
    }
  });
  sums.AddUp();
  norm.SetSums(sums, in.rows, variance, attrs.epsilon, d_gamma, d_beta);
  ParallelFor(images.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t at = i * images.image();
      Best(kNormLoops).gradient(norm.channels(), in.x + at, before(i), dx + at, images.rows());
    }
  });
}

}  // namespace

void RegisterBatchNormPool(const Status& status) {
  std::vector<const char*> attrs = {"epsilon: float"};
  attrs.insert(attrs.end(), kPoolAttrs.begin(), kPoolAttrs.end());
  Register({"SpikingformerBatchNormPool",
            {"x: float", "gamma: float", "beta: float"},
            {"y: float", "mean: float", "variance: float", "places: int32"},
            attrs},
           Create, Forward, Delete, status);
  Register(
      {"SpikingformerBatchNormPoolGrad",
       {"dy: float", "x: float", "gamma: float", "mean: float", "variance: float", "places: int32"},
       {"dx: float", "d_gamma: float", "d_beta: float"},
       attrs},
      Create, Gradient, Delete, status);
}

}  // namespace spikingformer
