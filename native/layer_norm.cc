// The ops SpikingformerLayerNorm and SpikingformerLayerNormGrad: LayerNorm and BiasLayerNorm of
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

struct Attrs {
  float epsilon;
  bool has_bias;
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new Attrs{read.Float("epsilon"), read.Int("N") > 0};
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

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

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const Attrs attrs = *static_cast<Attrs*>(given);
  const Rows in(call, 0);
  const float* const gamma = call.Data(1, "gamma", in.channels);
  const float* const beta = call.Data(2, "beta", in.channels);
  const float* const bias = attrs.has_bias ? call.Data(3, "bias", in.channels) : nullptr;
  float* const y = call.Output(0, in.shape);
  if (!call.ok()) return;
  const LayerNorm norm = {in.channels, attrs.epsilon, gamma, beta, bias};
  ParallelFor(in.rows, std::max<int64_t>(1, kGrain / in.channels), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * in.channels;
    Best(kLoops).forward(norm, in.x + at, y + at, end - begin);
  });
}

void Gradient(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const Attrs attrs = *static_cast<Attrs*>(given);
  const Rows in(call, 1);
  const int64_t size = in.rows * in.channels, count = (attrs.has_bias ? 3 : 2) * in.channels;
  const float* const dy = call.Data(0, "dy", size);
  const float* const gamma = call.Data(2, "gamma", in.channels);
  const float* const bias = attrs.has_bias ? call.Data(3, "bias", in.channels) : nullptr;
  float* const dx = call.Output(0, in.shape);
  float* const d_gamma = call.Output(1, {in.channels});
  float* const d_beta = call.Output(2, {in.channels});
  float* const d_bias = attrs.has_bias ? call.Output(3, {in.channels}) : nullptr;
  if (!call.ok()) return;
  const LayerNorm norm = {in.channels, attrs.epsilon, gamma, nullptr, bias};
  const int64_t block = std::max<int64_t>(1, kSumBlock / in.channels);
  const int64_t blocks = (in.rows + block - 1) / block, parts = PartsOf(blocks, size);
  std::vector<double> totals(parts * count);
  ForEachPart(parts, blocks, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> few(count);
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i * block, at = row * in.channels;
      Best(kLoops).gradient(norm, dy + at, in.x + at, dx + at, std::min(block, in.rows - row),
                            few.data());
      Best(kNormLoops).gather(few.data(), totals.data() + part * count, count);
    }
  });
  for (int64_t i = count; i < parts * count; i++) totals[i % count] += totals[i];
  const double* const total = totals.data();
  std::copy_n(total, in.channels, d_beta);
  std::copy_n(total + in.channels, in.channels, d_gamma);
  if (d_bias) std::copy_n(total + 2 * in.channels, in.channels, d_bias);
}

}  // namespace

void RegisterLayerNorm(const Status& status) {
  const std::vector<const char*> attrs = {"epsilon: float", "N: int >= 0"};
  Register({"SpikingformerLayerNorm",
            {"x: float", "gamma: float", "beta: float", "bias: N * float"},
            {"y: float"},
            attrs},
           Create, Forward, Delete, status);
  Register({"SpikingformerLayerNormGrad",
            {"dy: float", "x: float", "gamma: float", "bias: N * float"},
            {"dx: float", "d_gamma: float", "d_beta: float", "d_bias: N * float"},
            attrs},
           Create, Gradient, Delete, status);
}

}  // namespace spikingformer
