// The op SpikingformerAdamW: AdamWStep of lib/kernels/spec.ts, one pass over a variable, where TensorFlow's
// own ops take a dozen.
#include <cmath>

#include "op.h"
#include "ops.h"
#include "thread_pool.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 15;

struct None {};
void* Create(TF_OpKernelConstruction*) { return new None; }
void Delete(void* none) { delete static_cast<None*>(none); }

void Step(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* variable = call.Input(0);
  if (!call.ok()) return;
  const std::vector<int64_t> shape = Shape(variable);
  int64_t size = 1;
  for (const int64_t side : shape) size *= side;
  const float* const p_data = static_cast<const float*>(TF_TensorData(variable));
  const float* const g_data = call.Data(1, "gradient", size);
  const float* const m_data = call.Data(2, "m", size);
  const float* const v_data = call.Data(3, "v", size);
  // An input, as they change at each step: TensorFlow keeps a kernel for every attribute that it sees.
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

}  // namespace

void RegisterAdamW(const Status& status) {
  Register({"SpikingformerAdamW",
            {"p: float", "gradient: float", "m: float", "v: float", "factors: float"},
            {"new_p: float", "new_m: float", "new_v: float"},
            {}},
           Create, Step, Delete, status);
}

}  // namespace spikingformer
