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

inline AttentionAttrs ReadAttention(AttrReader& read) {
  return {read.Int("num_heads"), read.Float("scale")};
}

inline void* CreateAttention(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new AttentionAttrs(ReadAttention(read));
}

inline void DeleteAttention(void* attrs) { delete static_cast<AttentionAttrs*>(attrs); }

/** An input, which has the shape of all, as `steps` times `heads` matrices. */
struct HeadsInput {
  std::vector<int64_t> shape;
  int64_t size = 0, steps = 0, heads = 0, tokens = 0, head_dim = 0, channels = 0;
};

inline HeadsInput HeadsOf(Call& call, const AttentionAttrs& attrs,
                          const std::vector<int64_t>& shape) {
  HeadsInput in;
  in.heads = attrs.heads;
  in.shape = shape;
  in.channels = in.shape.empty() ? 0 : in.shape.back();
  if (in.shape.size() < 4 || in.channels % attrs.heads != 0) {
    call.Fail("q must be [batch, time, ...tokens, channels], with the same channels for each head");
    return in;
  }
  in.tokens = 1;
  for (size_t i = 2; i + 1 < in.shape.size(); i++) in.tokens *= in.shape[i];
  in.head_dim = in.channels / attrs.heads;
  in.steps = in.shape[0] * in.shape[1];
  in.size = CountOf(shape);
  return in;
}

inline HeadsInput ReadHeads(Call& call, const AttentionAttrs& attrs) {
  TF_Tensor* const first = call.Input(0);
  return first ? HeadsOf(call, attrs, Shape(first)) : HeadsInput{};
}

}  // namespace spikingformer
