// The ops SpikingformerAttention and SpikingformerAttentionGrad: SpikingAttention of
// lib/kernels/attention.ts, which reads and writes each head where it lies among the others, and
// makes no transposed copies. And SpikingformerPackedAttention and its gradient, for which q, k and
// v are bits.
#include "attention.h"

#include <algorithm>
#include <vector>

#include "attention_loops.h"
#include "ops.h"
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

/** Calls body(first number of a head at a time step, memory) for all of them. */
template <class Body>
void ForEachHead(const HeadsInput& in, const Attention& p, const Body& body) {
  if (in.size == 0) return;
  const int64_t grain = std::max<int64_t>(1, kGrain / (p.tokens * p.head_dim));
  ParallelFor(in.steps * in.heads, grain, [&](int64_t begin, int64_t end) {
    thread_local std::vector<float> numbers;
    thread_local std::vector<int32_t> places;
    numbers.resize(AttentionNumbers(p, Best(kLoops).lanes));
    places.resize(AttentionPlaces(p));
    for (int64_t i = begin; i < end; i++) {
      const int64_t step = i / in.heads, head = i % in.heads;
      body(step * p.tokens * p.stride + head * p.head_dim, {numbers.data(), places.data()});
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
  ForEachHead(in, p, [&](int64_t at, const AttentionMemory& memory) {
    Best(kLoops).forward(p, q + at, k + at, v + at, y + at, memory);
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
  ForEachHead(in, p, [&](int64_t at, const AttentionMemory& memory) {
    Best(kLoops).gradient(p, dy + at, q + at, k + at, v + at, dq + at, dk + at, dv + at, memory);
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
  const uint32_t* const q = call.Words(0, in.size);
  const uint32_t* const k = call.Words(1, in.size);
  const uint32_t* const v = call.Words(2, in.size);
  const int64_t words = given.keep ? SpikeWords(in.size) : 0;
  float* const y = call.Output(0, in.shape);
  int32_t* const kept = call.Integers(1, 3 * words);
  if (!call.ok()) return;
  std::copy_n(q, words, kept);
  std::copy_n(k, words, kept + words);
  std::copy_n(v, words, kept + 2 * words);
  const Attention p = LoopsOf(in, given.attention.scale);
  ForEachHead(in, p, [&](int64_t at, const AttentionMemory& memory) {
    Best(kLoops).forward_spikes(p, {{q, at}, {k, at}, {v, at}}, y + at, memory);
  });
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
  const auto* const q = static_cast<const uint32_t*>(TF_TensorData(packed));
  const uint32_t *const k = q + words, *const v = k + words;
  const Attention p = LoopsOf(in, given.scale);
  ForEachHead(in, p, [&](int64_t at, const AttentionMemory& memory) {
    Best(kLoops).gradient_spikes(p, dy + at, {{q, at}, {k, at}, {v, at}}, dq + at, dk + at, dv + at,
                                 memory);
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
