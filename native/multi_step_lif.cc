// The ops SpikingformerMultiStepLif and SpikingformerMultiStepLifGrad: MultiStepLIF of
// lib/kernels/multi_step_lif.ts for TensorFlow's CPU device, through TensorFlow's C API.
#include "multi_step_lif.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "ops.h"
#include "thread_pool.h"

namespace spikingformer {

const Variants<LifLoops> kLifLoops = VARIANTS(lif_loops);

const std::vector<const char*> kNeuronAttrs = {"tau: float",         "v_threshold: float",
                                               "v_reset: float",     "soft_reset: bool",
                                               "decay_input: bool",  "keeps: bool",
                                               "share: float",       "alpha: float = 1.0",
                                               "surrogate: int = 0", "detach_reset: bool = true"};

Neurons ReadNeurons(AttrReader& read) {
  Neurons p = {};
  const float tau = read.Float("tau");
  p.threshold = read.Float("v_threshold");
  p.rest = read.Float("v_reset");
  p.soft_reset = read.Bool("soft_reset");
  p.decay_input = read.Bool("decay_input");
  p.keeps = read.Bool("keeps");
  p.share = read.Float("share");
  p.alpha = read.Float("alpha");
  p.surrogate = read.Int("surrogate");
  p.detach_reset = read.Bool("detach_reset");
  // x / tau is x * (1 / tau) in every bit where tau is a power of two, or infinite.
  int exponent;
  p.divide = !p.keeps && !std::isinf(tau) && std::frexp(tau, &exponent) != 0.5f;
  p.gain = p.divide ? tau : p.share;
  return p;
}

int64_t GradientBlockLength(int64_t time) {
  return std::min<int64_t>(512, std::max<int64_t>(16, 4096 / time / 16 * 16));
}

namespace {

/**
 * Neurons that are stepped through all of time together: a page of floats, so that v stays in L1.
 */
constexpr int64_t kForwardBlock = 1024;
/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 15;

/** The attributes of both ops. */
struct Attrs {
  Neurons neurons = {};
  bool has_v0 = false;
  bool has_decay = false;
  bool last_membranes = true;
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->neurons = ReadNeurons(read);
  attrs->has_v0 = read.Bool("has_v0");
  attrs->has_decay = read.Bool("has_decay");
  attrs->last_membranes = read.Bool("last_membranes");
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** The inputs that both ops have, checked, and how to walk x as [batch, time, neurons]. */
struct Inputs {
  std::vector<int64_t> shape, state_shape;
  const float* x = nullptr;
  const float* v0 = nullptr;
  Neurons neurons;
  float decay = 0;  // 1 / tau, where it is learnt
  int64_t batch = 0, count = 0;
};

/** x is the first input; v0 and decay, as far as they are given, are inputs `optional` and on. */
Inputs ReadInputs(Call& call, const Attrs& attrs, int optional) {
  Inputs in;
  in.neurons = attrs.neurons;
  TF_Tensor* x = call.Input(0);
  if (!x) return in;
  in.shape = Shape(x);
  if (in.shape.size() < 2 || in.shape[1] == 0) {
    call.Fail("x must be [batch, time, ...] with at least one time step");
    return in;
  }
  in.state_shape = in.shape;
  in.state_shape.erase(in.state_shape.begin() + 1);
  in.batch = in.shape[0];
  in.neurons.time = in.shape[1];
  in.count = 1;
  for (size_t i = 2; i < in.shape.size(); i++) in.count *= in.shape[i];
  in.x = static_cast<const float*>(TF_TensorData(x));
  if (attrs.has_v0) in.v0 = call.Data(optional++, "v0", in.batch * in.count);
  if (attrs.has_decay) {
    if (const float* decay = call.Data(optional, "decay", 1)) {
      in.neurons.divide = false;
      in.neurons.gain = in.neurons.share = in.neurons.keeps ? 1.0f - *decay : *decay;
      in.decay = *decay;
    }
  }
  if (in.neurons.time == 1) {  // one step of all samples is one long row
    in.count *= in.batch;
    in.batch = 1;
  }
  in.neurons.stride = in.neurons.x_stride = in.count;
  return in;
}

/** Calls body(first number in x, first neuron, neurons, number of the block) for every block. */
template <class Body>
void ForEachBlock(const Inputs& in, int64_t block, const Body& body) {
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
  const auto& given = *static_cast<Attrs*>(attrs);
  const Inputs in = ReadInputs(call, given, 1);
  float* const spikes = call.Output(0, in.shape);
  float* const v = call.Output(1, given.last_membranes ? in.state_shape : std::vector<int64_t>{0});
  if (!call.ok()) return;
  const bool large = in.batch * in.neurons.time * in.count >= kBeyondCaches;
  ForEachBlock(in, kForwardBlock, [&](int64_t at, int64_t neuron, int64_t length, int64_t) {
    alignas(64) float scratch[kForwardBlock], row[kForwardBlock];
    float* const membranes = given.last_membranes ? v + neuron : scratch;
    const ForwardBlock block = {in.x + at, At(in.v0, neuron), spikes + at, membranes,
                                large ? row : nullptr};
    Best(kLifLoops).forward(in.neurons, block, length);
  });
}

void Gradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const auto& given = *static_cast<Attrs*>(attrs);
  const Inputs in = ReadInputs(call, given, 3);
  const int64_t neurons = in.batch * in.count;
  const float* const d_spikes = call.Data(1, "d_spikes", neurons * in.neurons.time);
  const float* const d_v = given.last_membranes ? call.Data(2, "d_v", neurons) : nullptr;
  float* const dx = call.Output(0, in.shape);
  const std::vector<int64_t> none = {0}, one = {1};
  float* const dv0 = call.Output(1, given.has_v0 ? in.state_shape : none);
  float* const dw = call.Output(2, given.has_decay ? one : none);
  if (!call.ok()) return;

  // One sum a block, added up in order: the same dw whatever the number of threads.
  const int64_t length_of_block = GradientBlockLength(in.neurons.time);
  std::vector<double> dk(in.batch * ((in.count + length_of_block - 1) / length_of_block));
  ForEachBlock(in, length_of_block, [&](int64_t at, int64_t neuron, int64_t length, int64_t i) {
    thread_local std::vector<float> scratch;
    scratch.resize(ScratchSize(in.neurons.time, length_of_block));
    const GradientBlock block = {in.x + at,     At(in.v0, neuron),
                                 d_spikes + at, At(d_v, neuron),
                                 dx + at,       given.has_v0 ? At(dv0, neuron) : nullptr,
                                 scratch.data()};
    dk[i] = Best(kLifLoops).gradient(in.neurons, block, length, given.has_decay);
  });
  if (given.has_decay) {
    const double k = in.decay;
    *dw = std::accumulate(dk.begin(), dk.end(), 0.0) * k * (1 - k);
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
           Create, Forward, Delete, status);
  Register(
      DefinitionOf("SpikingformerMultiStepLifGrad", {"x: float", "d_spikes: float", "d_v: float"},
                   {"dx: float", "dv0: float", "dw: float"}),
      Create, Gradient, Delete, status);
}

}  // namespace spikingformer
