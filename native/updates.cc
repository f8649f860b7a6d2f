// What a training step does to every variable, in one pass where TensorFlow's own ops take several:
// the ops SpikingformerAdamW and SpikingformerBlend, AdamWStep and Blend of lib/kernels/updates.ts.
#include <cmath>
#include <memory>

#include "op.h"
#include "ops.h"
#include "thread_pool.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 15;

struct None {};
void* CreateNone(TF_OpKernelConstruction*) { return new None; }
void DeleteNone(void* none) { delete static_cast<None*>(none); }

/** The first input, whose shape all others and the outputs have. */
struct Variable {
  const float* data = nullptr;
  std::vector<int64_t> shape;
  int64_t size = 0;

  explicit Variable(Call& call) {
    TF_Tensor* tensor = call.Input(0);
    if (!tensor) return;
    data = static_cast<const float*>(TF_TensorData(tensor));
    shape = Shape(tensor);
    size = TF_TensorElementCount(tensor);
  }
};

void StepAdamW(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Variable variable(call);
  const int64_t size = variable.size;
  const std::vector<int64_t>& shape = variable.shape;
  const float* const p_data = variable.data;
  const float* const g_data = call.Data(1, "gradient", size);
  const float* const m_data = call.Data(2, "m", size);
  const float* const v_data = call.Data(3, "v", size);
  // An input, as they change at each step: TensorFlow keeps a kernel for every attribute that it
  // sees.
  const float* const factors = call.Data(4, "factors", 8);
  float* const new_p_data = call.Output(0, shape);
  float* const new_m_data = call.Output(1, shape);
  float* const new_v_data = call.Output(2, shape);
  if (!call.ok()) return;
  const float kept = factors[0], rate = factors[1], root = factors[2], epsilon = factors[3];
  const float beta1 = factors[4], rest1 = factors[5], beta2 = factors[6], rest2 = factors[7];
  ParallelFor(size, kGrain, [=](int64_t begin, int64_t end) {
    const float* RESTRICT p = p_data;
    const float* RESTRICT g = g_data;
    const float* RESTRICT m = m_data;
    const float* RESTRICT v = v_data;
    float* RESTRICT new_p = new_p_data;
    float* RESTRICT new_m = new_m_data;
    float* RESTRICT new_v = new_v_data;
    for (int64_t i = begin; i < end; i++) {
      const float first = m[i] * beta1 + g[i] * rest1;
      const float second = v[i] * beta2 + g[i] * g[i] * rest2;
      new_m[i] = first;
      new_v[i] = second;
      new_p[i] = p[i] * kept - first * rate / (std::sqrt(second) / root + epsilon);
    }
  });
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
  const Variable variable(call);
  const float* const now_data = call.Data(1, "now", variable.size);
  float* const blend_data = call.Output(0, variable.shape);
  if (!call.ok()) return;
  ParallelFor(variable.size, kGrain, [=, old_data = variable.data](int64_t begin, int64_t end) {
    const float* RESTRICT old = old_data;
    const float* RESTRICT now = now_data;
    float* RESTRICT blend = blend_data;
    for (int64_t i = begin; i < end; i++) blend[i] = old[i] * shares.kept + now[i] * shares.taken;
  });
}

}  // namespace

void RegisterUpdates(const Status& status) {
  Register({"SpikingformerAdamW",
            {"p: float", "gradient: float", "m: float", "v: float", "factors: float"},
            {"new_p: float", "new_m: float", "new_v: float"},
            {}},
           CreateNone, StepAdamW, DeleteNone, status);
  Register({"SpikingformerBlend",
            {"old: float", "now: float"},
            {"blend: float"},
            {"kept: float", "taken: float"}},
           CreateShares, Blend, DeleteShares, status);
}

}  // namespace spikingformer
