// The ops SpikingformerAttention and SpikingformerAttentionGrad: SpikingAttention of
// lib/kernels/attention.ts, which reads and writes each head where it lies among the others, and
// makes no transposed copies. And SpikingformerPackedAttention and its gradient, for which q, k and
// v are bits.
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

/** q, k and v as bits. */
struct PackedFactors {
  const uint32_t *q, *k, *v;
};

/**
 * Calls body(first number of a head at a time step, q, k, v, scratch memory) for all of them: a
 * thread unpacks q, k and v for a time step at a time.
 */
template <class Body>
void ForEachPackedHead(const HeadsInput& in, const Attention& p, const PackedFactors& packed,
                       const Body& body) {
  const int64_t step = in.tokens * in.channels;
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, step));
  ParallelFor(step == 0 ? 0 : in.steps, grain, [&](int64_t begin, int64_t end) {
    thread_local std::vector<float> scratch, spikes;
    scratch.resize(AttentionScratch(p, Best(kLoops).lanes));
    spikes.resize(3 * step);
    float* const q = spikes.data();
    float* const k = q + step;
    float* const v = k + step;
    for (int64_t at = begin * step; at < end * step; at += step) {
      UnpackSpikes({packed.q, at}, step, q);
      UnpackSpikes({packed.k, at}, step, k);
      UnpackSpikes({packed.v, at}, step, v);
      for (int64_t head = 0; head < in.channels; head += p.head_dim) {
        body(at + head, q + head, k + head, v + head, scratch.data());
      }
    }
  });
}

struct PackedAttrs {
  AttentionAttrs attention;
  std::vector<int64_t> shape;
  bool keep;
};

void* CreatePacked(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new PackedAttrs{ReadAttention(read), read.Ints("shape"), read.Bool("keep")};
}

void DeletePacked(void* attrs) { delete static_cast<PackedAttrs*>(attrs); }

/** With `keep`, the words of q, k and v one after the other are an output; else that is empty. */
void PackedForward(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const auto& given = *static_cast<PackedAttrs*>(attrs);
  const HeadsInput in = HeadsOf(call, given.attention, given.shape);
  const PackedFactors packed = {call.Words(0, in.size), call.Words(1, in.size),
                                call.Words(2, in.size)};
  const int64_t words = given.keep ? SpikeWords(in.size) : 0;
  float* const y = call.Output(0, in.shape);
  int32_t* const kept = call.Integers(1, 3 * words);
  if (!call.ok()) return;
  std::copy_n(packed.q, words, kept);
  std::copy_n(packed.k, words, kept + words);
  std::copy_n(packed.v, words, kept + 2 * words);
  const Attention p = LoopsOf(in, given.attention.scale);
  ForEachPackedHead(in, p, packed,
                    [&](int64_t at, const float* q, const float* k, const float* v,
                        float* scratch) { Best(kLoops).forward(p, q, k, v, y + at, scratch); });
}

/** Of q, k and v as bits, one after the other. */
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
  const int64_t words = SpikeWords(in.size);
  if (TF_TensorElementCount(packed) != 3 * words) {
    return call.Fail("words must be those of q, k and v");
  }
  const auto* const first = static_cast<const uint32_t*>(TF_TensorData(packed));
  const Attention p = LoopsOf(in, given.scale);
  ForEachPackedHead(
      in, p, {first, first + words, first + 2 * words},
      [&](int64_t at, const float* q, const float* k, const float* v, float* scratch) {
        Best(kLoops).gradient(p, dy + at, q, k, v, dq + at, dk + at, dv + at, scratch);
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
  Register({"SpikingformerPackedAttention",
            {"q: int32", "k: int32", "v: int32"},
            {"y: float", "words: int32"},
            {attrs[0], attrs[1], "shape: list(int)", "keep: bool"}},
           CreatePacked, PackedForward, DeletePacked, status);
  Register({"SpikingformerPackedAttentionGrad",
            {"dy: float", "words: int32"},
            {"dq: float", "dk: float", "dv: float"},
            attrs},
           CreateAttention, PackedGradient, DeleteAttention, status);
}

}  // namespace spikingformer
