// What a training step does to every variable, in one pass where TensorFlow's own ops take several:
// the ops SpikingformerAdamW, SpikingformerBlend and SpikingformerRunningStatistics of
// lib/kernels/updates.ts.
#include "updates.h"

#include <cmath>

#include "ops.h"
#include "thread_pool.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 15;

void Step(const AdamWStep& op) {
  const float* const factors = op.factors;
  const float kept = factors[0], rate = factors[1], root = factors[2], epsilon = factors[3];
  const float beta1 = factors[4], rest1 = factors[5], beta2 = factors[6], rest2 = factors[7];
  ParallelFor(op.p.size, kGrain, [=, &op](int64_t begin, int64_t end) {
    const float* RESTRICT p = op.p.data;
    const float* RESTRICT g = op.gradient;
    const float* RESTRICT m = op.m;
    const float* RESTRICT v = op.v;
    float* RESTRICT new_p = op.new_p;
    float* RESTRICT new_m = op.new_m;
    float* RESTRICT new_v = op.new_v;
    for (int64_t i = begin; i < end; i++) {
      const float first = m[i] * beta1 + g[i] * rest1;
      const float second = v[i] * beta2 + g[i] * g[i] * rest2;
      new_m[i] = first;
      new_v[i] = second;
      new_p[i] = p[i] * kept - first * rate / (std::sqrt(second) / root + epsilon);
    }
  });
}

void StepAdamW(void* count, TF_OpKernelContext* context) {
  Call call(context);
  ForEachVariable(count, call, Step);
}

void Blend(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const Shares shares = *static_cast<Shares*>(attrs);
  ForEachBlend(shares, call, [=](const BlendStep& op) {
    ParallelFor(op.old.size, kGrain, [=, &op](int64_t begin, int64_t end) {
      const float* RESTRICT old = op.old.data;
      const float* RESTRICT now = op.now;
      float* RESTRICT blend = op.blend;
      for (int64_t i = begin; i < end; i++) blend[i] = old[i] * shares.kept + now[i] * shares.taken;
    });
  });
}

void UpdateStatistics(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const StatisticsShares shares = *static_cast<StatisticsShares*>(attrs);
  const StatisticsStep op(call, shares.has_bias);
  if (!call.ok()) return;
  const float kept = shares.kept;
  for (int64_t c = 0; c < op.mean.size; c++) {
    const float now = op.bias ? op.batch_mean[c] + op.bias[c] : op.batch_mean[c];
    op.new_mean[c] = op.mean.data[c] * kept + now * shares.taken;
    op.new_variance[c] = op.variance[c] * kept + op.batch_variance[c] * shares.taken_variance;
  }
}

}  // namespace

void RegisterUpdates(const Status& status) {
  Register(
      {"SpikingformerAdamW",
       {"p: N * float", "gradient: N * float", "m: N * float", "v: N * float", "factors: float"},
       {"new_p: N * float", "new_m: N * float", "new_v: N * float"},
       {"N: int >= 1"}},
      CreateCount, StepAdamW, DeleteCount, status);
  Register({"SpikingformerBlend",
            {"old: N * float", "now: N * float"},
            {"blend: N * float"},
            {"N: int >= 1", "kept: float", "taken: float"}},
           CreateShares, Blend, DeleteShares, status);
  Register({"SpikingformerRunningStatistics",
            {"mean: float", "variance: float", "batch_mean: float", "batch_variance: float",
             "bias: N * float"},
            {"new_mean: float", "new_variance: float"},
            {"N: int >= 0", "kept: float", "taken: float", "taken_variance: float"}},
           CreateStatisticsShares, UpdateStatistics, DeleteStatisticsShares, status);
}

}  // namespace spikingformer
