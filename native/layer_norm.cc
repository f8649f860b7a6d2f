// The ops SpikingformerLayerNorm and SpikingformerLayerNormGrad: LayerNorm of
// lib/kernels/layer_norm.ts. The gradient's sums over rows have parts whose number depends on the
// rows alone, so that they are the same for any number of threads.
#include <algorithm>
#include <vector>

#include "batch_norm.h"
#include "layer_norm_loops.h"
#include "ops.h"

namespace spikingformer {
namespace {

const Variants<LayerNormLoops> kLoops = VARIANTS(layer_norm_loops);

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new float(read.Float("epsilon"));
}

void Delete(void* epsilon) { delete static_cast<float*>(epsilon); }

/** x as rows of channels; there may be no rows. */
struct Rows {
  const float* x = nullptr;
  std::vector<int64_t> shape;
  int64_t rows = 0, channels = 0;

  Rows(Call& call, int index) {
    TF_Tensor* const input = call.Input(index);
    if (!input) return;
    shape = Shape(input);
    if (shape.empty() || shape.back() == 0) {
      call.Fail("x must be [..., channels]");
      return;
    }
    x = static_cast<const float*>(TF_TensorData(input));
    channels = shape.back();
    rows = TF_TensorElementCount(input) / channels;
  }
};

void Forward(void* epsilon, TF_OpKernelContext* context) {
  Call call(context);
  const Rows in(call, 0);
  const float* const gamma = call.Data(1, "gamma", in.channels);
  const float* const beta = call.Data(2, "beta", in.channels);
  float* const y = call.Output(0, in.shape);
  if (!call.ok()) return;
  const LayerNorm norm = {in.channels, *static_cast<float*>(epsilon), gamma, beta};
  ParallelFor(in.rows, std::max<int64_t>(1, kGrain / in.channels), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * in.channels;
    Best(kLoops).forward(norm, in.x + at, y + at, end - begin);
  });
}

void Gradient(void* epsilon, TF_OpKernelContext* context) {
  Call call(context);
  const Rows in(call, 1);
  const float* const dy = call.Data(0, "dy", in.rows * in.channels);
  const float* const gamma = call.Data(2, "gamma", in.channels);
  float* const dx = call.Output(0, in.shape);
  float* const d_gamma = call.Output(1, {in.channels});
  float* const d_beta = call.Output(2, {in.channels});
  if (!call.ok()) return;
  const LayerNorm norm = {in.channels, *static_cast<float*>(epsilon), gamma, nullptr};
  const int64_t block = std::max<int64_t>(1, kSumBlock / in.channels);
  const int64_t blocks = (in.rows + block - 1) / block;
  const int64_t parts = PartsOf(blocks, in.rows * in.channels);
  ChannelSums sums(parts, in.channels);
  ForEachPart(parts, blocks, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> few(2 * in.channels);
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i * block, at = row * in.channels;
      Best(kLoops).gradient(norm, dy + at, in.x + at, dx + at, std::min(block, in.rows - row),
                            few.data(), few.data() + in.channels);
      Best(kNormLoops).gather(few.data(), sums.First(part), 2 * in.channels);
    }
  });
  sums.AddUp();
  std::copy_n(sums.First(0), in.channels, d_beta);
  std::copy_n(sums.Second(0), in.channels, d_gamma);
}

}  // namespace

void RegisterLayerNorm(const Status& status) {
  const std::vector<const char*> attrs = {"epsilon: float"};
  Register(
      {"SpikingformerLayerNorm", {"x: float", "gamma: float", "beta: float"}, {"y: float"}, attrs},
      Create, Forward, Delete, status);
  Register({"SpikingformerLayerNormGrad",
            {"dy: float", "x: float", "gamma: float"},
            {"dx: float", "d_gamma: float", "d_beta: float"},
            attrs},
           Create, Gradient, Delete, status);
}

}  // namespace spikingformer
