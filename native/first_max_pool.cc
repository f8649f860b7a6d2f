// The ops SpikingformerFirstMaxPool and SpikingformerFirstMaxPoolGrad: FirstMaxPool and its
// gradient of lib/kernels/max_pool.ts; and SpikingformerPlacedMaxPool and its gradient, which keep
// the places of maxima instead of the images. TensorFlow's own lose NaN, and take several times as
// long for the gradient.
#include "first_max_pool.h"

#include "ops.h"
#include "pool_loops.h"
#include "thread_pool.h"

namespace spikingformer {
namespace {

const Variants<PoolLoops> kLoops = VARIANTS(pool_loops);

void Forward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  std::vector<int64_t> shape;
  const Pool pool = ReadPool(call, attrs, shape);
  if (!call.ok()) return;
  const float* const from = call.Data(0, "x", shape[0] * pool.height * pool.width * pool.channels);
  float* const y = call.Output(0, {shape[0], pool.out_height, pool.out_width, pool.channels});
  if (!call.ok()) return;
  const int64_t image = pool.height * pool.width * pool.channels;
  const int64_t pooled_image = pool.out_height * pool.out_width * pool.channels;
  ParallelFor(shape[0], 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Best(kLoops).forward(pool, from + i * image, y + i * pooled_image);
    }
  });
}

void ForwardPlaces(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  std::vector<int64_t> shape;
  const Pool pool = ReadPool(call, attrs, shape);
  if (!call.ok()) return;
  if (pool.size > kMostPlaced) return call.Fail("pool_size must be at most 16");
  const int64_t image = pool.height * pool.width * pool.channels;
  const int64_t pooled = pool.out_height * pool.out_width * pool.channels;
  const float* const from = call.Data(0, "x", shape[0] * image);
  float* const y = call.Output(0, {shape[0], pool.out_height, pool.out_width, pool.channels});
  uint8_t* const places = OutputPlaces(call, 1, shape[0] * pooled);
  if (!call.ok()) return;
  ParallelFor(shape[0], 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Best(kLoops).forward_places(pool, from + i * image, y + i * pooled, places + i * pooled);
    }
  });
}

void* CreatePlaced(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto pool = std::make_unique<Pool>(PoolOf(read));
  pool->height = read.Int("height");
  pool->width = read.Int("width");
  return pool.release();
}

void GradientAt(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  Pool pool = *static_cast<Pool*>(attrs);
  TF_Tensor* packed = call.Input(0);
  TF_Tensor* dy = call.Input(1);
  if (!call.ok()) return;
  const std::vector<int64_t> shape = Shape(dy);
  pool.out_height = Pooled(pool, pool.height);
  pool.out_width = Pooled(pool, pool.width);
  if (shape.size() != 4 || shape[1] != pool.out_height || shape[2] != pool.out_width) {
    return call.Fail(
        "dy must be [batch, height, width, channels], of the sides that images are pooled to");
  }
  pool.channels = shape[3];
  const int64_t image = pool.height * pool.width * pool.channels;
  const int64_t pooled = pool.out_height * pool.out_width * pool.channels;
  if (TF_TensorElementCount(packed) != PlaceWords(shape[0] * pooled)) {
    return call.Fail("places must be those of dy's numbers");
  }
  float* const dx = call.Output(0, {shape[0], pool.height, pool.width, pool.channels});
  if (!call.ok()) return;
  const auto* const places = static_cast<const uint8_t*>(TF_TensorData(packed));
  const auto* const gradient = static_cast<const float*>(TF_TensorData(dy));
  ParallelFor(shape[0], 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Best(kLoops).gradient_at(pool, places + i * pooled, gradient + i * pooled, dx + i * image);
    }
  });
}

void Gradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  Pool pool = *static_cast<Pool*>(attrs);
  TF_Tensor* x = call.Input(0);
  TF_Tensor* dy = call.Input(1);
  if (!call.ok()) return;
  const std::vector<int64_t> shape = Shape(x), pooled = Shape(dy);
  if (shape.size() != 4 || pooled.size() != 4 || shape[0] != pooled[0] || shape[3] != pooled[3]) {
    return call.Fail("x and dy must be [batch, height, width, channels] of the same images");
  }
  if (pooled[1] != Pooled(pool, shape[1]) || pooled[2] != Pooled(pool, shape[2])) {
    return call.Fail("dy must have the sides that x is pooled to");
  }
  pool.height = shape[1];
  pool.width = shape[2];
  pool.channels = shape[3];
  pool.out_height = pooled[1];
  pool.out_width = pooled[2];
  float* const dx = call.Output(0, shape);
  if (!call.ok()) return;
  const auto* const from = static_cast<const float*>(TF_TensorData(x));
  const auto* const gradient = static_cast<const float*>(TF_TensorData(dy));
  const int64_t image = pool.height * pool.width * pool.channels;
  const int64_t pooled_image = pool.out_height * pool.out_width * pool.channels;
  ParallelFor(shape[0], 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      Best(kLoops).gradient(pool, from + i * image, gradient + i * pooled_image, dx + i * image);
    }
  });
}

}  // namespace

void RegisterFirstMaxPool(const Status& status) {
  const std::vector<const char*>& attrs = kPoolAttrs;
  Register({"SpikingformerFirstMaxPool", {"x: float"}, {"y: float"}, attrs}, CreatePool, Forward,
           DeletePool, status);
  Register({"SpikingformerFirstMaxPoolGrad", {"x: float", "dy: float"}, {"dx: float"}, attrs},
           CreatePool, Gradient, DeletePool, status);
  Register({"SpikingformerPlacedMaxPool", {"x: float"}, {"y: float", "places: int32"}, attrs},
           CreatePool, ForwardPlaces, DeletePool, status);
  std::vector<const char*> placed = attrs;
  placed.insert(placed.end(), {"height: int", "width: int"});
  Register(
      {"SpikingformerPlacedMaxPoolGrad", {"places: int32", "dy: float"}, {"dx: float"}, placed},
      CreatePlaced, GradientAt, DeletePool, status);
}

}  // namespace spikingformer
