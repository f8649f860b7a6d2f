// The ops SpikingformerAttention and SpikingformerAttentionGrad: SpikingAttention of
// lib/kernels/attention.ts, which reads and writes each head where it lies among the others, and
// makes no transposed copies.
#include <algorithm>
#include <memory>
#include <vector>

#include "attention_loops.h"
#include "op.h"
#include "ops.h"
#include "thread_pool.h"

namespace spikingformer {
namespace {

/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 14;

const Variants<AttentionLoops> kLoops = VARIANTS(attention_loops);

struct Attrs {
  int64_t heads;
  float scale;
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->heads = read.Int("num_heads");
  attrs->scale = read.Float("scale");
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** The first input, which has the shape of all, as heads of time steps. */
struct Heads {
  std::vector<int64_t> shape;
  int64_t count = 0, size = 0;
  int64_t heads;
  Attention attention = {};
};

Heads ReadHeads(Call& call, const Attrs& attrs) {
  Heads in;
  in.heads = attrs.heads;
  TF_Tensor* first = call.Input(0);
  if (!first) return in;
  in.shape = Shape(first);
  const int64_t channels = in.shape.empty() ? 0 : in.shape.back();
  if (in.shape.size() < 4 || channels % attrs.heads != 0) {
    call.Fail("q must be [batch, time, ...tokens, channels], with the same channels for each head");
    return in;
  }
  int64_t tokens = 1;
  for (size_t i = 2; i + 1 < in.shape.size(); i++) tokens *= in.shape[i];
  in.attention = {tokens, channels / attrs.heads, channels, attrs.scale};
  in.count = in.shape[0] * in.shape[1] * attrs.heads;
  in.size = TF_TensorElementCount(first);
  return in;
}

/** Calls body(first number of a head at a time step, scratch memory) for all of them. */
template <class Body>
void ForEachHead(const Heads& in, const Body& body) {
  if (in.size == 0) return;
  const Attention& p = in.attention;
  const int64_t grain = std::max<int64_t>(1, kGrain / (p.tokens * p.head_dim));
  ParallelFor(in.count, grain, [&](int64_t begin, int64_t end) {
    thread_local std::vector<float> scratch;
    scratch.resize(AttentionScratch(p, Best(kLoops).lanes));
    for (int64_t i = begin; i < end; i++) {
      const int64_t step = i / in.heads, head = i % in.heads;
      body(step * p.tokens * p.stride + head * p.head_dim, scratch.data());
    }
  });
}

void Forward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const Heads in = ReadHeads(call, *static_cast<Attrs*>(attrs));
  const float* const q = call.Data(0, "q", in.size);
  const float* const k = call.Data(1, "k", in.size);
  const float* const v = call.Data(2, "v", in.size);
  float* const y = call.Output(0, in.shape);
  if (!call.ok()) return;
  ForEachHead(in, [&](int64_t at, float* scratch) {
    Best(kLoops).forward(in.attention, q + at, k + at, v + at, y + at, scratch);
  });
}

void Gradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const Heads in = ReadHeads(call, *static_cast<Attrs*>(attrs));
  const float* const dy = call.Data(0, "dy", in.size);
  const float* const q = call.Data(1, "q", in.size);
  const float* const k = call.Data(2, "k", in.size);
  const float* const v = call.Data(3, "v", in.size);
  float* const dq = call.Output(0, in.shape);
  float* const dk = call.Output(1, in.shape);
  float* const dv = call.Output(2, in.shape);
  if (!call.ok()) return;
  ForEachHead(in, [&](int64_t at, float* scratch) {
    Best(kLoops).gradient(in.attention, dy + at, q + at, k + at, v + at, dq + at, dk + at, dv + at,
                          scratch);
  });
}

}  // namespace

void RegisterAttention(const Status& status) {
  const std::vector<const char*> attrs = {"num_heads: int >= 1", "scale: float"};
  Register({"SpikingformerAttention", {"q: float", "k: float", "v: float"}, {"y: float"}, attrs},
           Create, Forward, Delete, status);
  Register({"SpikingformerAttentionGrad",
            {"dy: float", "q: float", "k: float", "v: float"},
            {"dq: float", "dk: float", "dv: float"},
            attrs},
           Create, Gradient, Delete, status);
}

}  // namespace spikingformer
