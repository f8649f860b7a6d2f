// The ops SpikingformerAttention and SpikingformerAttentionGrad: SpikingAttention of
// lib/kernels/attention.ts, which reads and writes each head where it lies among the others, and
// makes no transposed copies. And SpikingformerPackedAttentionGrad, for which q, k and v are bits.
#include "attention.h"

#include <algorithm>
#include <vector>

#include "attention_loops.h"
#include "ops.h"
#include "spike_bits.h"
#include "thread_pool.h"

namespace spikingformer {
namespace {

/** Less than this many numbers are not worth waking a thread for. */
constexpr int64_t kGrain = 1 << 14;

const Variants<AttentionLoops> kLoops = VARIANTS(attention_loops);

/** How the loops walk the heads. */
Attention LoopsOf(const HeadsInput& in, float scale) {
  return {in.tokens, in.head_dim, in.channels, scale};
}

/** Calls body(first number of a head at a time step, scratch memory) for all of them. */
template <class Body>
void ForEachHead(const HeadsInput& in, const Attention& p, const Body& body) {
  if (in.size == 0) return;
  const int64_t grain = std::max<int64_t>(1, kGrain / (p.tokens * p.head_dim));
  ParallelFor(in.steps * in.heads, grain, [&](int64_t begin, int64_t end) {
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
  const auto& given = *static_cast<AttentionAttrs*>(attrs);
  const HeadsInput in = ReadHeads(call, given);
  const float* const q = call.Data(0, "q", in.size);
  const float* const k = call.Data(1, "k", in.size);
  const float* const v = call.Data(2, "v", in.size);
  float* const y = call.Output(0, in.shape);
  if (!call.ok()) return;
  const Attention p = LoopsOf(in, given.scale);
  ForEachHead(in, p, [&](int64_t at, float* scratch) {
    Best(kLoops).forward(p, q + at, k + at, v + at, y + at, scratch);
  });
}

void Gradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const auto& given = *static_cast<AttentionAttrs*>(attrs);
  const HeadsInput in = ReadHeads(call, given);
  const float* const dy = call.Data(0, "dy", in.size);
  const float* const q = call.Data(1, "q", in.size);
  const float* const k = call.Data(2, "k", in.size);
  const float* const v = call.Data(3, "v", in.size);
  float* const dq = call.Output(0, in.shape);
  float* const dk = call.Output(1, in.shape);
  float* const dv = call.Output(2, in.shape);
  if (!call.ok()) return;
  const Attention p = LoopsOf(in, given.scale);
  ForEachHead(in, p, [&](int64_t at, float* scratch) {
    Best(kLoops).gradient(p, dy + at, q + at, k + at, v + at, dq + at, dk + at, dv + at, scratch);
  });
}

/** Of q, k and v as bits, one after the other: a thread unpacks them for a time step at a time. */
void PackedGradient(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const auto& given = *static_cast<AttentionAttrs*>(attrs);
  const HeadsInput in = ReadHeads(call, given);
  const float* const dy = call.Data(0, "dy", in.size);
  TF_Tensor* const packed = call.Input(1);
  float* const dq = call.Output(0, in.shape);
  float* const dk = call.Output(1, in.shape);
  float* const dv = call.Output(2, in.shape);
  if (!call.ok()) return;
  if (TF_TensorElementCount(packed) != 3 * SpikeWords(in.size)) {
    return call.Fail("words must be those of q, k and v");
  }
  const auto* const words = static_cast<const uint32_t*>(TF_TensorData(packed));
  const Attention p = LoopsOf(in, given.scale);
  const int64_t step = in.tokens * in.channels;
  ParallelFor(step == 0 ? 0 : in.steps, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, step)),
              [&](int64_t begin, int64_t end) {
                thread_local std::vector<float> scratch, spikes;
                scratch.resize(AttentionScratch(p, Best(kLoops).lanes));
                spikes.resize(3 * step);
                for (int64_t at = begin * step; at < end * step; at += step) {
                  for (int i = 0; i < 3; i++) {
                    UnpackSpikes({words + i * SpikeWords(in.size), at}, step,
                                 spikes.data() + i * step);
                  }
                  for (int64_t head = 0; head < step / p.tokens; head += p.head_dim) {
                    const float* const q = spikes.data() + head;
                    const int64_t to = at + head;
                    Best(kLoops).gradient(p, dy + to, q, q + step, q + 2 * step, dq + to, dk + to,
                                          dv + to, scratch.data());
                  }
                }
              });
}

}  // namespace

void RegisterAttention(const Status& status) {
  const std::vector<const char*> attrs = {"num_heads: int >= 1", "scale: float"};
  Register({"SpikingformerAttention", {"q: float", "k: float", "v: float"}, {"y: float"}, attrs},
           CreateAttention, Forward, DeleteAttention, status);
  Register({"SpikingformerAttentionGrad",
            {"dy: float", "q: float", "k: float", "v: float"},
            {"dq: float", "dk: float", "dv: float"},
            attrs},
           CreateAttention, Gradient, DeleteAttention, status);
  Register({"SpikingformerPackedAttentionGrad",
            {"dy: float", "words: int32"},
            {"dq: float", "dk: float", "dv: float"},
            attrs},
           CreateAttention, PackedGradient, DeleteAttention, status);
}

}  // namespace spikingformer
