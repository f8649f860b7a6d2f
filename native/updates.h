// The inputs and attributes of AdamW and Blend, on any device.
#pragma once

#include <memory>
#include <vector>

#include "op.h"

namespace spikingformer {

struct NoAttrs {};
inline void* CreateNone(TF_OpKernelConstruction*) { return new NoAttrs; }
inline void DeleteNone(void* none) { delete static_cast<NoAttrs*>(none); }

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

/** The tensors of AdamW. */
struct AdamWStep {
  Variable p;
  const float *gradient, *m, *v;
  // An input, as they change at each step: TensorFlow keeps a kernel for every attribute that it
  // sees.
  const float* factors;
  float *new_p, *new_m, *new_v;

  explicit AdamWStep(Call& call)
      : p(call),
        gradient(call.Data(1, "gradient", p.size)),
        m(call.Data(2, "m", p.size)),
        v(call.Data(3, "v", p.size)),
        factors(call.Data(4, "factors", 8)),
        new_p(call.Output(0, p.shape)),
        new_m(call.Output(1, p.shape)),
        new_v(call.Output(2, p.shape)) {}
};

struct Shares {
  float kept, taken;
};

inline void* CreateShares(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto shares = std::make_unique<Shares>();
  *shares = {read.Float("kept"), read.Float("taken")};
  return shares.release();
}

inline void DeleteShares(void* shares) { delete static_cast<Shares*>(shares); }

/** The tensors of Blend. */
struct BlendStep {
  Variable old;
  const float* now;
  float* blend;

  explicit BlendStep(Call& call)
      : old(call), now(call.Data(1, "now", old.size)), blend(call.Output(0, old.shape)) {}
};

}  // namespace spikingformer
