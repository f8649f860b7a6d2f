#include "neurons.h"

#include <cmath>
#include <memory>

namespace spikingformer {

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

void UseDecay(float decay, Neurons& neurons) {
  neurons.divide = false;
  neurons.gain = neurons.share = neurons.keeps ? 1.0f - decay : decay;
}

void* CreateLifAttrs(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<LifAttrs>();
  attrs->neurons = ReadNeurons(read);
  attrs->has_v0 = read.Bool("has_v0");
  attrs->has_decay = read.Bool("has_decay");
  attrs->last_membranes = read.Bool("last_membranes");
  return attrs.release();
}

void DeleteLifAttrs(void* attrs) { delete static_cast<LifAttrs*>(attrs); }

LifInputs ReadLifInputs(Call& call, const LifAttrs& attrs, int optional) {
  LifInputs in;
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
  if (attrs.has_decay) in.decay = call.Data(optional, "decay", 1);
  if (in.neurons.time == 1) {  // one step of all samples is one long row
    in.count *= in.batch;
    in.batch = 1;
  }
  in.neurons.stride = in.neurons.x_stride = in.count;
  return in;
}

namespace {

/** The memory of an output that is empty, and not to be written, unless it is wanted. */
float* OutputIf(bool wanted, Call& call, int i, const std::vector<int64_t>& shape) {
  float* const output = call.Output(i, wanted ? shape : std::vector<int64_t>{0});
  return wanted ? output : nullptr;
}

}  // namespace

LifForward::LifForward(Call& call, const LifAttrs& attrs)
    : in(ReadLifInputs(call, attrs, 1)),
      spikes(call.Output(0, in.shape)),
      v(OutputIf(attrs.last_membranes, call, 1, in.state_shape)) {}

LifBackward::LifBackward(Call& call, const LifAttrs& attrs) : in(ReadLifInputs(call, attrs, 3)) {
  const int64_t neurons = in.batch * in.count;
  d_spikes = call.Data(1, "d_spikes", neurons * in.neurons.time);
  d_v = attrs.last_membranes ? call.Data(2, "d_v", neurons) : nullptr;
  dx = call.Output(0, in.shape);
  dv0 = OutputIf(attrs.has_v0, call, 1, in.state_shape);
  dw = OutputIf(attrs.has_decay, call, 2, {1});
}

}  // namespace spikingformer
