// The ops SpikingformerAdamW, SpikingformerBlend and SpikingformerRunningStatistics on GPUs:
// updates.cu has their kernels.
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
  Launches on(call, context);
  ForEachBlend(shares, call, [&](const BlendStep& op) {
    LAUNCH(on, blend)(op.old.size, op.old.data, op.now, shares.kept, shares.taken, op.blend);
  });
}

void UpdateStatistics(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const StatisticsShares shares = *static_cast<StatisticsShares*>(attrs);
  const StatisticsStep op(call, shares.has_bias);
  Launches on(call, context);
  LAUNCH(on, running_statistics)
  (op.mean.size, op.mean.data, op.variance, op.batch_mean, op.batch_variance, op.bias, shares.kept,
   shares.taken, shares.taken_variance, op.new_mean, op.new_variance);
}

}  // namespace

void RegisterUpdatesOnGpu(const Status& status) {
  RegisterKernel("SpikingformerAdamW", kGpuDevice, CreateCount, StepAdamW, DeleteCount, status);
  RegisterKernel("SpikingformerBlend", kGpuDevice, CreateShares, Blend, DeleteShares, status);
  RegisterKernel("SpikingformerRunningStatistics", kGpuDevice, CreateStatisticsShares,
                 UpdateStatistics, DeleteStatisticsShares, status);
}

}  // namespace spikingformer
