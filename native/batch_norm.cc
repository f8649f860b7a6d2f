// The ops SpikingformerBatchNorm and SpikingformerBatchNormGrad, BatchNormTraining of
// lib/kernels/batch_norm_lif.ts, and what they share with those that have neurons behind the norm.
#include "batch_norm.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "affine.h"
#include "ops.h"

namespace spikingformer {

const Variants<NormLoops> kNormLoops = VARIANTS(norm_loops);

namespace {

/**
 * At most so many parts of a sum, whatever the number of threads, so that it is the same for all.
 */
constexpr int64_t kParts = 32;

struct Attrs {
  float epsilon = 0;
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->epsilon = read.Float("epsilon");
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** Calls body(first number, rows) for pieces of all rows. */
template <class Body>
void ForEachRows(const NormInput& in, const Body& body) {
  const int64_t grain = std::max<int64_t>(1, kGrain / in.channels);
  ParallelFor(in.rows, grain,
              [&](int64_t begin, int64_t end) { body(begin * in.channels, end - begin); });
}

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const NormForward op(call, false);
  if (!call.ok()) return;
  ChannelMoments(op.in, op.mean, op.variance);
  const float epsilon = static_cast<Attrs*>(given)->epsilon;
  const Norm norm(op.in.channels, op.gamma, op.beta, op.mean, op.variance, epsilon);
  ForEachRows(op.in, [&](int64_t at, int64_t rows) {
    Best(kNormLoops).normalize(norm.channels(), op.in.x + at, op.out + at, rows);
  });
}

void Gradient(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const float epsilon = static_cast<Attrs*>(given)->epsilon;
  const NormBackward op(call, false);
  if (!call.ok()) return;
  const NormInput& in = op.in;
  Norm norm(in.channels, op.gamma, nullptr, op.mean, op.variance, epsilon);
  const int64_t block = std::max<int64_t>(1, kSumBlock / in.channels);
  const int64_t blocks = (in.rows + block - 1) / block, parts = PartsOf(blocks, in.size());
  ChannelSums sums(parts, in.channels);
  ForEachPart(parts, blocks, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> few(2 * in.channels);
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i * block, at = row * in.channels;
      Best(kNormLoops)
          .gradient_sums(norm.channels(), in.x + at, op.dy + at, std::min(block, in.rows - row),
                         few.data(), few.data() + in.channels);
      Best(kNormLoops).gather(few.data(), sums.First(part), 2 * in.channels);
    }
  });
  ThroughNorm(op, norm, sums, epsilon, op.dy);
}

}  // namespace

int64_t PartsOf(int64_t blocks, int64_t numbers) {
  return std::max<int64_t>(1, std::min({kParts, blocks, numbers / kGrain}));
}

void ChannelSums::AddUp() {
  for (int64_t part = 1; part < parts_; part++) {
    for (int64_t i = 0; i < 2 * channels_; i++) sums_[i] += First(part)[i];
  }
}

void ChannelMoments(const NormInput& in, float* mean, float* variance) {
  const int64_t block = std::max<int64_t>(1, kSumBlock / in.channels);
  const int64_t blocks = (in.rows + block - 1) / block;
  ChannelSums sums(PartsOf(blocks, in.size()), in.channels);
  ForEachPart(PartsOf(blocks, in.size()), blocks, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> scratch(MomentsScratch(in.channels));
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i * block;
      Best(kNormLoops)
          .moments(in.x + row * in.channels, std::min(block, in.rows - row), in.channels,
                   scratch.data(), sums.First(part), sums.Second(part));
    }
  });
  sums.AddUp();
  for (int64_t c = 0; c < in.channels; c++) {
    const double m = sums.First(0)[c] / in.rows;
    const double v = sums.Second(0)[c] / in.rows - m * m;
    mean[c] = m;
    variance[c] = v < 0 ? 0 : v;  // not NaN, which must be seen
  }
}

Norm::Norm(int64_t channels, const float* gamma, const float* beta, const float* mean,
           const float* variance, float epsilon)
    : scale_(channels), channels_{channels, mean, scale_.data(), beta, nullptr, nullptr} {
  for (int64_t c = 0; c < channels; c++) {
    scale_[c] = gamma[c] * (1.0f / std::sqrt(variance[c] + epsilon));
  }
}

void Norm::SetSums(ChannelSums& sums, int64_t rows, const float* variance, float epsilon,
                   float* d_gamma, float* d_beta) {
  const int64_t count = channels_.count;
  dy_mean_.resize(count);
  slope_.resize(count);
  for (int64_t c = 0; c < count; c++) {
    const double total = sums.First(0)[c], product = sums.Second(0)[c];
    const double spread = static_cast<double>(variance[c]) + epsilon;
    d_beta[c] = total;
    d_gamma[c] = product / std::sqrt(spread);
    dy_mean_[c] = total / rows;
    slope_[c] = product / rows / spread;
  }
  channels_.dy_mean = dy_mean_.data();
  channels_.slope = slope_.data();
}

void ThroughNorm(const NormBackward& op, Norm& norm, ChannelSums& sums, float epsilon,
                 const float* dy) {
  sums.AddUp();
  norm.SetSums(sums, op.in.rows, op.variance, epsilon, op.d_gamma, op.d_beta);
  ForEachRows(op.in, [&](int64_t at, int64_t rows) {
    Best(kNormLoops)
        .gradient(norm.channels(), op.in.x + at, dy ? dy + at : nullptr, op.dx + at, rows);
  });
}

namespace {

/** A frozen batch norm as one factor and one term per channel. */
void FrozenAffine(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* const first = call.Input(0);
  if (!call.ok()) return;
  const int64_t channels = TF_TensorElementCount(first);
  const FrozenNorm norm = ReadFrozenNorm(call, 0, TF_NumInputs(context), channels);
  float* const scale = call.Output(0, {channels});
  float* const shift = call.Output(1, {channels});
  if (!call.ok()) return;
  ToAffine(norm, channels, static_cast<Attrs*>(attrs)->epsilon, scale, shift);
}

}  // namespace

void RegisterBatchNorm(const Status& status) {
  const std::vector<const char*> attrs = {"epsilon: float"};
  Register({"SpikingformerBatchNorm",
            {"x: float", "gamma: float", "beta: float"},
            {"y: float", "mean: float", "variance: float"},
            attrs},
           Create, Forward, Delete, status);
  Register({"SpikingformerBatchNormGrad",
            {"dy: float", "x: float", "gamma: float", "mean: float", "variance: float"},
            {"dx: float", "d_gamma: float", "d_beta: float"},
            attrs},
           Create, Gradient, Delete, status);
  Register({"SpikingformerBatchNormAffine",
            {"gamma: float", "beta: float", "mean: float", "variance: float", "bias: N * float"},
            {"scale: float", "shift: float"},
            {"epsilon: float", "N: int >= 0"}},
           Create, FrozenAffine, Delete, status);
}

}  // namespace spikingformer
