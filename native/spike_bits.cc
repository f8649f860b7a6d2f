// Packs and unpacks spikes; the ops SpikingformerPackSpikes and SpikingformerUnpackSpikes.
#include "spike_bits.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "op.h"
#include "ops.h"
#include "thread_pool.h"

namespace spikingformer {
namespace {

const Variants<SpikeBitLoops> kLoops = VARIANTS(spike_bits_loops);

/** Fewer spikes are not worth waking a thread for; whole words. */
constexpr int64_t kGrain = 1 << 16;

void* NoAttrs(TF_OpKernelConstruction*) { return nullptr; }
void Nothing(void*) {}

struct UnpackAttrs {
  std::vector<int64_t> shape;
};

void* CreateUnpack(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  return new UnpackAttrs{read.Ints("shape")};
}

void DeleteUnpack(void* attrs) { delete static_cast<UnpackAttrs*>(attrs); }

void Unpack(void* attrs, TF_OpKernelContext* context) {
  Call call(context);
  const std::vector<int64_t>& shape = static_cast<UnpackAttrs*>(attrs)->shape;
  const int64_t length = CountOf(shape);
  const uint32_t* const words = call.Words(0, length);
  float* const x = call.Output(0, shape);
  if (!call.ok()) return;
  ParallelFor(length, kGrain, [&](int64_t begin, int64_t end) {
    UnpackSpikes({words, begin}, end - begin, x + begin);
  });
}

/** The words of all x, one after the other; none if one of them is not spikes. */
void Pack(void*, TF_OpKernelContext* context) {
  Call call(context);
  const int count = TF_NumInputs(context);
  std::vector<uint32_t> words;
  bool spikes = true;
  for (int i = 0; i < count && spikes; i++) {
    TF_Tensor* const x = call.Input(i);
    if (!call.ok()) return;
    const int64_t length = TF_TensorElementCount(x);
    const size_t first = words.size();
    words.resize(first + SpikeWords(length));
    const auto* const numbers = static_cast<const float*>(TF_TensorData(x));
    spikes = PackSpikes(numbers, length, words.data() + first) >= 0;
  }
  int32_t* const packed = call.Integers(0, spikes ? words.size() : 0);
  if (call.ok() && spikes) std::memcpy(packed, words.data(), words.size() * sizeof(uint32_t));
}

}  // namespace

int64_t PackSpikes(const float* x, int64_t length, uint32_t* words) {
  // Most often the first numbers show whether they are spikes.
  const int64_t first = std::min(length, kGrain / kSpikesPerWord);
  if (Best(kLoops).pack(x, first, words) < 0) return -1;
  std::atomic<int64_t> count{0};
  std::atomic<bool> spikes{true};
  ParallelFor(length, kGrain, [&](int64_t begin, int64_t end) {
    if (!spikes) return;
    const int64_t ones = Best(kLoops).pack(x + begin, end - begin, words + begin / kSpikesPerWord);
    if (ones < 0) spikes = false;
    count += ones;
  });
  if (!spikes) return -1;
  words[SpikeWords(length) - 1] = static_cast<uint32_t>(count);
  return count;
}

void UnpackSpikes(const SpikeBits& spikes, int64_t length, float* x) {
  Best(kLoops).unpack(spikes, length, x);
}

void RegisterSpikeBits(const Status& status) {
  Register({"SpikingformerPackSpikes", {"x: N * float"}, {"words: int32"}, {"N: int >= 1"}},
           NoAttrs, Pack, Nothing, status);
  Register({"SpikingformerUnpackSpikes", {"words: int32"}, {"x: float"}, {"shape: list(int)"}},
           CreateUnpack, Unpack, DeleteUnpack, status);
}

}  // namespace spikingformer
