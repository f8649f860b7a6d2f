// The ops SpikingformerMultiStepLif and SpikingformerMultiStepLifGrad on GPUs: multi_step_lif.cu
// has their kernels.
#include <algorithm>

#include "../neurons.h"
#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

/** Sums that all neurons' dk are first brought to. */
constexpr int64_t kSums = 1 << 12;

void Forward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const LifForward op(call, *static_cast<LifAttrs*>(attrs));
  const LifInputs& in = op.in;
  Launches on(call, context);
  LAUNCH(on, lif_forward)
  (in.batch * in.count, in.neurons, in.x, in.v0, in.decay, op.spikes, op.v);
}

/** dw, from each neuron's dk. */
void SumUp(Launches& on, const float* dk, int64_t neurons, const float* decay, float* dw) {
  int64_t count = std::clamp<int64_t>(neurons, 1, kSums);
  double* sums = on.Temporary<double>(count);
  LAUNCH(on, lif_decay_sums)(count, dk, neurons, sums);
  while (count > 1) {
    const int64_t fewer = (count + kFold - 1) / kFold;
    double* const added = on.Temporary<double>(fewer);
    LAUNCH(on, add_parts)(fewer, sums, count, 1, added);
    sums = added;
    count = fewer;
  }
  LAUNCH(on, lif_decay_gradient)(1, sums, decay, dw);
}

void Gradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const auto& given = *static_cast<LifAttrs*>(attrs);
  const LifBackward op(call, given);
  const LifInputs& in = op.in;
  const int64_t neurons = in.batch * in.count;
  Launches on(call, context);
  float* const dk = given.has_decay ? on.Temporary<float>(neurons) : nullptr;
  LAUNCH(on, lif_gradient)
  (neurons, in.neurons, in.x, in.v0, in.decay, op.d_spikes, op.d_v, op.dx, op.dv0, dk);
  if (given.has_decay) SumUp(on, dk, neurons, in.decay, op.dw);
}

}  // namespace

void RegisterMultiStepLifOnGpu(const Status& status) {
  RegisterKernel("SpikingformerMultiStepLif", kGpuDevice, CreateLifAttrs, Forward, DeleteLifAttrs,
                 status);
  RegisterKernel("SpikingformerMultiStepLifGrad", kGpuDevice, CreateLifAttrs, Gradient,
                 DeleteLifAttrs, status);
}

}  // namespace spikingformer
