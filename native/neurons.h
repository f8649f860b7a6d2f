// What ops with LIF neurons inside are told, on any device.
#pragma once

#include <cstdint>
#include <vector>

#include "op.h"
#include "parameters.h"

namespace spikingformer {

/** How TensorFlow writes the neurons' attributes down; those of the gradient alone have defaults.
 */
extern const std::vector<const char*> kNeuronAttrs;

/** Reads them; what depends on the input is left at 0. */
Neurons ReadNeurons(AttrReader& read);

/** Makes a decay that is an input, 1 / tau, one of their parameters. */
void UseDecay(float decay, Neurons& neurons);

/** The attributes of MultiStepLif and of its gradient. */
struct LifAttrs {
  Neurons neurons = {};
  bool has_v0 = false;
  bool has_decay = false;
  bool last_membranes = true;
};

void* CreateLifAttrs(TF_OpKernelConstruction* construction);
void DeleteLifAttrs(void* attrs);

/** The inputs that both have, checked, and how to walk x as [batch, time, neurons]. */
struct LifInputs {
  std::vector<int64_t> shape, state_shape;
  const float* x = nullptr;
  const float* v0 = nullptr;
  const float* decay = nullptr;  // 1 / tau, if it is learnt
  Neurons neurons;
  int64_t batch = 0, count = 0;
};

/** x is the first input; v0 and decay, as far as they are given, are inputs `optional` and on. */
LifInputs ReadLifInputs(Call& call, const LifAttrs& attrs, int optional);

/** The inputs and outputs of MultiStepLif; v is null unless last membranes are an output. */
struct LifForward {
  LifInputs in;
  float *spikes, *v;

  LifForward(Call& call, const LifAttrs& attrs);
};

/** The same of its gradient; d_v, dv0 and dw are null if their neurons have no such input. */
struct LifBackward {
  LifInputs in;
  const float *d_spikes, *d_v;
  float *dx, *dv0, *dw;

  LifBackward(Call& call, const LifAttrs& attrs);
};

}  // namespace spikingformer
