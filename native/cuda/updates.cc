// The ops SpikingformerAdamW and SpikingformerBlend on GPUs: updates.cu has their kernels.
#include <memory>

#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

struct None {};
void* CreateNone(TF_OpKernelConstruction*) { return new None; }
void DeleteNone(void* none) { delete static_cast<None*>(none); }

void StepAdamW(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* const variable = call.Input(0);
  if (!variable) return;
  const std::vector<int64_t> shape = Shape(variable);
  const int64_t size = TF_TensorElementCount(variable);
  const float* const p = call.Data(0, "p", size);
  const float* const gradient = call.Data(1, "gradient", size);
  const float* const m = call.Data(2, "m", size);
  const float* const v = call.Data(3, "v", size);
  const float* const factors = call.Data(4, "factors", 8);
  float* const new_p = call.Output(0, shape);
  float* const new_m = call.Output(1, shape);
  float* const new_v = call.Output(2, shape);
  Launches on(call, context);
  LAUNCH(on, adamw)(size, p, gradient, m, v, factors, new_p, new_m, new_v);
}

struct Shares {
  float kept, taken;
};

void* CreateShares(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto shares = std::make_unique<Shares>();
  *shares = {read.Float("kept"), read.Float("taken")};
  return shares.release();
}

void DeleteShares(void* shares) { delete static_cast<Shares*>(shares); }

void Blend(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const Shares shares = *static_cast<Shares*>(attrs);
  TF_Tensor* const variable = call.Input(0);
  if (!variable) return;
  const int64_t size = TF_TensorElementCount(variable);
  const float* const old = call.Data(0, "old", size);
  const float* const now = call.Data(1, "now", size);
  float* const out = call.Output(0, Shape(variable));
  Launches on(call, context);
  LAUNCH(on, blend)(size, old, now, shares.kept, shares.taken, out);
}

}  // namespace

void RegisterUpdatesOnGpu(const Status& status) {
  RegisterKernel("SpikingformerAdamW", kGpuDevice, CreateNone, StepAdamW, DeleteNone, status);
  RegisterKernel("SpikingformerBlend", kGpuDevice, CreateShares, Blend, DeleteShares, status);
}

}  // namespace spikingformer
