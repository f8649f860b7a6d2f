// The ops SpikingformerMultiStepLif and SpikingformerMultiStepLifGrad: MultiStepLIF of
// lib/kernels/multi_step_lif.ts for TensorFlow's CPU device, through TensorFlow's C API.
#include "multi_step_lif.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "ops.h"
#include "spike_bits.h"
#include "thread_pool.h"

namespace spikingformer {

const Variants<LifLoops> kLifLoops = VARIANTS(lif_loops);
const Variants<LifGradientLoops> kLifGradientLoops = VARIANTS(lif_gradient_loops);

FiredBits::FiredBits(Call& call, int i, int64_t spikes, int64_t row) : spikes_(spikes) {
  if (row % kSpikesPerWord != 0) call.Fail("spikes as bits must be whole words of 32");
  words_ = reinterpret_cast<uint32_t*>(call.Integers(i, SpikeWords(spikes)));
}

void FiredBits::Fire(const Neurons& neurons, const ForwardBlock& block, int64_t at,
                     int64_t length) {
  count_ += Best(kLifLoops).forward_bits(neurons, block, length, words_ + at / kSpikesPerWord);
}

void FiredBits::WriteCount() const {
  words_[SpikeWords(spikes_) - 1] = static_cast<uint32_t>(count_);
}

namespace {

/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 15;

/** Calls body(first number in x, first neuron, neurons, number of the block) for every block. */
template <class Body>
void ForEachBlock(const LifInputs& in, int64_t block, const Body& body) {
  const int64_t blocks = (in.count + block - 1) / block;
  const int64_t time = in.neurons.time;
  const int64_t grain = std::max<int64_t>(1, kGrain / (time * std::min(block, in.count + 1)));
  ParallelFor(in.batch * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t sample = i / blocks, offset = i % blocks * block;
      body(sample * time * in.count + offset, sample * in.count + offset,
           std::min(block, in.count - offset), i);
    }
  });
}

const float* At(const float* data, int64_t i) { return data ? data + i : nullptr; }
float* At(float* data, int64_t i) { return data ? data + i : nullptr; }

void Forward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  LifForward op(call, *static_cast<LifAttrs*>(attrs));
  if (!call.ok()) return;
  if (op.in.decay) UseDecay(*op.in.decay, op.in.neurons);
  const LifInputs& in = op.in;
  ForEachBlock(in, kForwardNeurons, [&](int64_t at, int64_t neuron, int64_t length, int64_t) {
    const ForwardBlock block = {in.x + at, At(in.v0, neuron), op.spikes + at, At(op.v, neuron)};
    Best(kLifLoops).forward(in.neurons, block, length);
  });
}

/** Spikes as bits, of neurons that start at rest. */
void PackedForward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  LifInputs in = ReadLifInputs(call, *static_cast<LifAttrs*>(attrs), 1);
  FiredBits bits(call, 0, in.batch * in.count * in.neurons.time, in.count);
  if (!call.ok()) return;
  if (in.decay) UseDecay(*in.decay, in.neurons);
  ForEachBlock(in, kForwardNeurons, [&](int64_t at, int64_t, int64_t length, int64_t) {
    bits.Fire(in.neurons, {in.x + at, nullptr, nullptr, nullptr}, at, length);
  });
  bits.WriteCount();
}

void Gradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const auto& given = *static_cast<LifAttrs*>(attrs);
  LifBackward op(call, given);
  if (!call.ok()) return;
  if (op.in.decay) UseDecay(*op.in.decay, op.in.neurons);
  const LifInputs& in = op.in;

  // One sum a block, added up in order: the same dw whatever the number of threads.
  std::vector<double> dk(in.batch * ((in.count + kGradientNeurons - 1) / kGradientNeurons));
  ForEachBlock(in, kGradientNeurons, [&](int64_t at, int64_t neuron, int64_t length, int64_t i) {
    thread_local std::vector<float> scratch;
    scratch.resize(GradientScratch(in.neurons.time));
    const GradientBlock block = {in.x + at,          At(in.v0, neuron), op.d_spikes + at,
                                 At(op.d_v, neuron), op.dx + at,        At(op.dv0, neuron),
                                 scratch.data()};
    dk[i] = Best(kLifGradientLoops).gradient(in.neurons, block, length, given.has_decay);
  });
  if (given.has_decay) {
    const double k = *in.decay;
    *op.dw = std::accumulate(dk.begin(), dk.end(), 0.0) * k * (1 - k);
  }
}

Definition DefinitionOf(const char* name, std::vector<const char*> inputs,
                        std::vector<const char*> outputs) {
  inputs.push_back("optional: N * float");  // v0, decay: as far as they are given
  std::vector<const char*> attrs = {"N: int >= 0", "has_v0: bool", "has_decay: bool",
                                    "last_membranes: bool = true"};
  attrs.insert(attrs.end(), kNeuronAttrs.begin(), kNeuronAttrs.end());
  return {name, inputs, outputs, attrs};
}

}  // namespace

void RegisterMultiStepLif(const Status& status) {
  Register(DefinitionOf("SpikingformerMultiStepLif", {"x: float"}, {"spikes: float", "v: float"}),
           CreateLifAttrs, Forward, DeleteLifAttrs, status);
  Register(DefinitionOf("SpikingformerPackedMultiStepLif", {"x: float"}, {"words: int32"}),
           CreateLifAttrs, PackedForward, DeleteLifAttrs, status);
  Register(
      DefinitionOf("SpikingformerMultiStepLifGrad", {"x: float", "d_spikes: float", "d_v: float"},
                   {"dx: float", "dv0: float", "dw: float"}),
      CreateLifAttrs, Gradient, DeleteLifAttrs, status);
}

}  // namespace spikingformer
