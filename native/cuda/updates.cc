// The ops SpikingformerAdamW and SpikingformerBlend on GPUs: updates.cu has their kernels.
#include "../updates.h"

#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

void StepAdamW(void* count, TF_OpKernelContext* context) {
  Call call(context);
  Launches on(call, context);
  ForEachVariable(count, call, [&](const AdamWStep& op) {
    LAUNCH(on, adamw)
    (op.p.size, op.p.data, op.gradient, op.m, op.v, op.factors, op.new_p, op.new_m, op.new_v);
  });
}

void Blend(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const Shares shares = *static_cast<Shares*>(attrs);
  const BlendStep op(call);
  Launches on(call, context);
  LAUNCH(on, blend)(op.old.size, op.old.data, op.now, shares.kept, shares.taken, op.blend);
}

}  // namespace

void RegisterUpdatesOnGpu(const Status& status) {
  RegisterKernel("SpikingformerAdamW", kGpuDevice, CreateCount, StepAdamW, DeleteCount,
                 status);
  RegisterKernel("SpikingformerBlend", kGpuDevice, CreateShares, Blend, DeleteShares, status);
}

}  // namespace spikingformer
