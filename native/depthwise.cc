// The op SpikingformerDepthwiseFilterGrad: the gradient of a depthwise convolution's filter, of
// stride 1 and padding 'same'. TensorFlow's own is several times slower than its convolution if
// that is larger than 3 x 3.
#include <vector>

#include "depthwise_loops.h"
#include "op.h"
#include "ops.h"
#include "thread_pool.h"

namespace spikingformer {
namespace {

const Variants<DepthwiseLoops> kLoops = VARIANTS(depthwise_loops);

struct Attrs {
  int64_t size;
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new Attrs{read.Int("size")};
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

void FilterGradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const int64_t size = static_cast<Attrs*>(attrs)->size;
  TF_Tensor* x = call.Input(0);
  TF_Tensor* dy = call.Input(1);
  if (!call.ok()) return;
  const std::vector<int64_t> shape = Shape(x);
  if (shape.size() != 4 || Shape(dy) != shape || size % 2 == 0) {
    return call.Fail("x and dy must be [batch, height, width, channels], and size an odd number");
  }
  const Depthwise p = {shape[0], shape[1], shape[2], shape[3], size};
  float* const dw = call.Output(0, {size, size, p.channels, 1});
  if (!call.ok()) return;
  const auto* const from = static_cast<const float*>(TF_TensorData(x));
  const auto* const gradient = static_cast<const float*>(TF_TensorData(dy));
  const int64_t lanes = Best(kLoops).lanes;
  ParallelFor((p.channels + lanes - 1) / lanes, 1, [&](int64_t begin, int64_t end) {
    thread_local std::vector<float> scratch;
    scratch.resize(DepthwiseScratch(p, lanes));
    for (int64_t i = begin; i < end; i++) {
      Best(kLoops).filter_gradient(p, from, gradient, i * lanes, dw, scratch.data());
    }
  });
}

}  // namespace

void RegisterDepthwise(const Status& status) {
  Register({"SpikingformerDepthwiseFilterGrad",
            {"x: float", "dy: float"},
            {"dw: float"},
            {"size: int >= 1"}},
           Create, FilterGradient, Delete, status);
}

}  // namespace spikingformer
