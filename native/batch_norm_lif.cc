// The ops SpikingformerBatchNormLif and SpikingformerBatchNormLifGrad: BatchNormLIF of
// lib/kernels/batch_norm_lif.ts. Nothing is kept between the norm and the neurons: what they were
// given is computed once more for the gradient, in registers.
#include <algorithm>
#include <memory>
#include <vector>

#include "batch_norm.h"
#include "multi_step_lif.h"
#include "ops.h"

namespace spikingformer {
namespace {

/** Neurons that are stepped through all of time together. */
constexpr int64_t kForwardBlock = 1024;

struct Attrs {
  float epsilon = 0;
  Neurons neurons = {};
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->epsilon = read.Float("epsilon");
  attrs->neurons = ReadNeurons(read);
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** Blocks of neurons at a few places, which hold all of their channels, through all of time. */
struct Blocks {
  int64_t places, per_sample, count;

  Blocks(const NormInput& in, int64_t neurons)
      : places(std::max<int64_t>(1, neurons / in.channels)),
        per_sample((in.places + places - 1) / places),
        count(in.samples * per_sample) {}
};

struct Block {
  int64_t at;      // its first number in x
  int64_t rows;    // its places
  int64_t length;  // its neurons
};

Block BlockOf(const NormInput& in, const Blocks& blocks, int64_t i) {
  const int64_t sample = i / blocks.per_sample, place = i % blocks.per_sample * blocks.places;
  const int64_t rows = std::min(blocks.places, in.places - place);
  return {(sample * in.time * in.places + place) * in.channels, rows, rows * in.channels};
}

/** The neurons, walking through what a block of the norm's output holds. */
Neurons NeuronsOf(const Attrs& attrs, const NormInput& in, const Block& block) {
  Neurons neurons = attrs.neurons;
  neurons.time = in.time;
  neurons.stride = in.places * in.channels;
  neurons.x_stride = block.length;
  return neurons;
}

/** All time steps of a block, normalized, one after the other. */
void NormalizeBlock(const NormInput& in, const Norm& norm, const Block& block, float* y) {
  const int64_t stride = in.places * in.channels;
  for (int64_t t = 0; t < in.time; t++) {
    Best(kNormLoops)
        .normalize(norm.channels(), in.x + block.at + t * stride, y + t * block.length, block.rows);
  }
}

/** Calls fire(neurons, a block of them with their inputs, its first spike, its length) for all. */
template <class Fire>
void ForEachFiring(const Attrs& attrs, const NormForward& op, const Fire& fire) {
  const NormInput& in = op.in;
  ChannelMoments(in, op.mean, op.variance);
  const Norm norm(in.channels, op.gamma, op.beta, op.mean, op.variance, attrs.epsilon);
  const Blocks blocks(in, kForwardBlock);
  const int64_t length = blocks.places * in.channels;
  const int64_t grain = std::max<int64_t>(1, kGrain / (in.time * length));
  ParallelFor(blocks.count, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> y(in.time * length);
    for (int64_t i = begin; i < end; i++) {
      const Block block = BlockOf(in, blocks, i);
      NormalizeBlock(in, norm, block, y.data());
      fire(NeuronsOf(attrs, in, block), {y.data(), nullptr, nullptr, nullptr}, block.at,
           block.length);
    }
  });
}

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const NormForward op(call, true);
  if (!call.ok()) return;
  ForEachFiring(*static_cast<Attrs*>(given), op,
                [&](const Neurons& neurons, ForwardBlock block, int64_t at, int64_t length) {
                  block.spikes = op.out + at;
                  Best(kLifLoops).forward(neurons, block, length);
                });
}

/** Spikes as bits. */
void PackedForward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const NormForward op(call, true, true);
  FiredBits bits(call, 0, op.in.size(), op.in.channels);
  if (!call.ok()) return;
  ForEachFiring(*static_cast<Attrs*>(given), op,
                [&](const Neurons& neurons, const ForwardBlock& block, int64_t at, int64_t length) {
                  bits.Fire(neurons, block, at, length);
                });
  bits.WriteCount();
}

/** The neurons' gradient goes to dx, and from there, once its sums are known, through the norm. */
void Gradient(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const NormBackward op(call, true);
  const NormInput& in = op.in;
  if (!call.ok()) return;
  Norm norm(in.channels, op.gamma, op.beta, op.mean, op.variance, attrs.epsilon);
  const Blocks blocks(in, kGradientNeurons);
  const int64_t parts = PartsOf(blocks.count, in.size());
  ChannelSums sums(parts, in.channels);
  ForEachPart(parts, blocks.count, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> scratch(GradientScratch(in.time)), few(2 * in.channels);
    int64_t rows = 0;
    for (int64_t i = begin; i < end; i++) {
      const Block block = BlockOf(in, blocks, i);
      Neurons neurons = NeuronsOf(attrs, in, block);
      neurons.x_stride = neurons.stride;
      Best(kLifGradientLoops)
          .behind_norm(neurons, norm.channels(),
                       {in.x + block.at, nullptr, op.dy + block.at, nullptr, op.dx + block.at,
                        nullptr, scratch.data()},
                       block.rows, few.data(), few.data() + in.channels);
      rows += in.time * block.rows;
      if (rows * in.channels < kSumBlock && i + 1 < end) continue;
      Best(kNormLoops).gather(few.data(), sums.First(part), 2 * in.channels);
      rows = 0;
    }
  });
  ThroughNorm(op, norm, sums, attrs.epsilon, nullptr);
}

}  // namespace

void RegisterBatchNormLif(const Status& status) {
  std::vector<const char*> attrs = {"epsilon: float"};
  attrs.insert(attrs.end(), kNeuronAttrs.begin(), kNeuronAttrs.end());
  Register({"SpikingformerBatchNormLif",
            {"x: float", "gamma: float", "beta: float"},
            {"spikes: float", "mean: float", "variance: float"},
            attrs},
           Create, Forward, Delete, status);
  Register({"SpikingformerPackedBatchNormLif",
            {"x: float", "gamma: float", "beta: float"},
            {"words: int32", "mean: float", "variance: float"},
            attrs},
           Create, PackedForward, Delete, status);
  Register(
      {"SpikingformerBatchNormLifGrad",
       {"dy: float", "x: float", "gamma: float", "mean: float", "variance: float", "beta: float"},
       {"dx: float", "d_gamma: float", "d_beta: float"},
       attrs},
      Create, Gradient, Delete, status);
}

}  // namespace spikingformer
