// The inputs and attributes of AdamW, Blend and RunningStatistics, on any device.
#pragma once

#include <memory>
#include <vector>

#include "op.h"

namespace spikingformer {

/** An input whose shape others and outputs have. */
struct Variable {
  const float* data = nullptr;
  std::vector<int64_t> shape;
  int64_t size = 0;

  Variable(Call& call, int input) {
    TF_Tensor* tensor = call.Input(input);
    if (!tensor) return;
    data = static_cast<const float*>(TF_TensorData(tensor));
    shape = Shape(tensor);
    size = TF_TensorElementCount(tensor);
  }
};

/** How many variables an AdamW steps. */
struct Count {
  int variables;
};

inline void* CreateCount(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new Count{read.Int("N")};
}

inline void DeleteCount(void* count) { delete static_cast<Count*>(count); }

/** The tensors of one variable in AdamW. */
struct AdamWStep {
  Variable p;
  const float *gradient, *m, *v;
  const float* factors;
  float *new_p, *new_m, *new_v;

  /** The i-th of n; `rows` has eight factors for each. */
  AdamWStep(Call& call, int i, int n, const float* rows)
      : p(call, i),
        gradient(call.Data(n + i, "gradient", p.size)),
        m(call.Data(2 * n + i, "m", p.size)),
        v(call.Data(3 * n + i, "v", p.size)),
        factors(rows + 8 * i),
        new_p(call.Output(i, p.shape)),
        new_m(call.Output(n + i, p.shape)),
        new_v(call.Output(2 * n + i, p.shape)) {}
};

/** Calls step(tensors) for each variable of an AdamW, until the call fails. */
template <class Step>
void ForEachVariable(const void* count, Call& call, const Step& step) {
  const int n = static_cast<const Count*>(count)->variables;
  // An input, as they change at each step: TensorFlow keeps a kernel for every attribute that it
  // sees.
  const float* const rows = call.Data(4 * n, "factors", 8 * n);
  for (int i = 0; i < n && call.ok(); i++) {
    const AdamWStep tensors(call, i, n, rows);
    if (call.ok()) step(tensors);
  }
}

/** The attributes of Blend. */
struct Shares {
  float kept, taken;
  int variables;
};

inline void* CreateShares(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto shares = std::make_unique<Shares>();
  *shares = {read.Float("kept"), read.Float("taken"), read.Int("N")};
  return shares.release();
}

inline void DeleteShares(void* shares) { delete static_cast<Shares*>(shares); }

/** The tensors of one variable in Blend. */
struct BlendStep {
  Variable old;
  const float* now;
  float* blend;

  /** The i-th of n. */
  BlendStep(Call& call, int i, int n)
      : old(call, i), now(call.Data(n + i, "now", old.size)), blend(call.Output(i, old.shape)) {}
};

/** Calls blend(tensors) for each variable of a Blend, until the call fails. */
template <class Blend>
void ForEachBlend(const Shares& shares, Call& call, const Blend& blend) {
  for (int i = 0; i < shares.variables && call.ok(); i++) {
    const BlendStep tensors(call, i, shares.variables);
    if (call.ok()) blend(tensors);
  }
}

/** The attributes of RunningStatistics. */
struct StatisticsShares {
  float kept, taken, taken_variance;
  bool has_bias;
};

inline void* CreateStatisticsShares(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto shares = std::make_unique<StatisticsShares>();
  *shares = {read.Float("kept"), read.Float("taken"), read.Float("taken_variance"),
             read.Int("N") > 0};
  return shares.release();
}

inline void DeleteStatisticsShares(void* shares) { delete static_cast<StatisticsShares*>(shares); }

/** The tensors of RunningStatistics. */
struct StatisticsStep {
  Variable mean;
  const float *variance, *batch_mean, *batch_variance;
  const float* bias;  // may be null
  float *new_mean, *new_variance;

  StatisticsStep(Call& call, bool has_bias)
      : mean(call, 0),
        variance(call.Data(1, "variance", mean.size)),
        batch_mean(call.Data(2, "batch_mean", mean.size)),
        batch_variance(call.Data(3, "batch_variance", mean.size)),
        bias(has_bias ? call.Data(4, "bias", mean.size) : nullptr),
        new_mean(call.Output(0, mean.shape)),
        new_variance(call.Output(1, mean.shape)) {}
};

}  // namespace spikingformer
