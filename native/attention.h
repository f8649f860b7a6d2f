// The attributes of SpikingAttention and of its gradient, and how their inputs lie, on any device.
#pragma once

#include <memory>
#include <vector>

#include "op.h"

namespace spikingformer {

struct AttentionAttrs {
  int64_t heads;
  float scale;
};

inline void* CreateAttention(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<AttentionAttrs>();
  attrs->heads = read.Int("num_heads");
  attrs->scale = read.Float("scale");
  return attrs.release();
}

inline void DeleteAttention(void* attrs) { delete static_cast<AttentionAttrs*>(attrs); }

/** The first input, which has the shape of all, as `steps` times `heads` matrices. */
struct HeadsInput {
  std::vector<int64_t> shape;
  int64_t size = 0, steps = 0, heads = 0, tokens = 0, head_dim = 0, channels = 0;
};

inline HeadsInput ReadHeads(Call& call, const AttentionAttrs& attrs) {
  HeadsInput in;
  in.heads = attrs.heads;
  TF_Tensor* const first = call.Input(0);
  if (!first) return in;
  in.shape = Shape(first);
  in.channels = in.shape.empty() ? 0 : in.shape.back();
  if (in.shape.size() < 4 || in.channels % attrs.heads != 0) {
    call.Fail("q must be [batch, time, ...tokens, channels], with the same channels for each head");
    return in;
  }
  in.tokens = 1;
  for (size_t i = 2; i + 1 < in.shape.size(); i++) in.tokens *= in.shape[i];
  in.head_dim = in.channels / attrs.heads;
  in.steps = in.shape[0] * in.shape[1];
  in.size = TF_TensorElementCount(first);
  return in;
}

}  // namespace spikingformer
