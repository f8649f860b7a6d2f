// Charge, fire, reset, over one block of neurons; compiled once for each INSTRUCTION_SET.
//
// No standard library in here: an inline function of its would be compiled for AVX-512, and the
// linker might pick that copy for all of the addon.
#include "lif_loops.h"

#include "charge.h"
#include "fired.h"

namespace spikingformer {
namespace {

/**
 * Calls write(first spike of a word, vector's number in it, those that fire) for whole words of
 * neurons. The parameters come as a copy: stores of spikes might change others.
 */
template <ChargeKind kKind, bool kDivide, bool kSoft, class Write>
inline void StepVectors(const Neurons p, const ForwardBlock block, int64_t length,
                        const Write& write) {
  for (int64_t i = 0; i < length; i += kSpikesPerWord) {
    Vector v[kVectors];
    for (int j = 0; j < kVectors; j++) {
      v[j] = block.v0 ? Load(block.v0 + i + j * kLanes) : Vector{} + p.rest;
    }
    const float* x = block.x + i;
    int64_t at = i;
    for (int64_t t = 0; t < p.time; t++, x += p.x_stride, at += p.stride) {
      for (int j = 0; j < kVectors; j++) {
        const Vector h = Charge<kKind, kDivide>(p, v[j], Load(x + j * kLanes));
        const Fired fired(h, p.threshold);
        v[j] = fired.Choose(Reset<kSoft>(p, h), h);
        write(at, j, fired);
      }
    }
    if (!block.v) continue;
    for (int j = 0; j < kVectors; j++) Store(v[j], block.v + i + j * kLanes);
  }
}

/** The neurons from `first` on, one by one. */
template <ChargeKind kKind, bool kDivide, bool kSoft>
void StepRest(const Neurons& p, const ForwardBlock& block, int64_t first, int64_t length) {
  for (int64_t i = first; i < length; i++) {
    float v = block.v0 ? block.v0[i] : p.rest;
    for (int64_t t = 0; t < p.time; t++) {
      const float h = Charge<kKind, kDivide>(p, v, block.x[t * p.x_stride + i]);
      const float reset = Reset<kSoft>(p, h);
      block.spikes[t * p.stride + i] = h >= p.threshold ? 1.0f : 0.0f;
      v = h >= p.threshold ? reset : h;
    }
    if (block.v) block.v[i] = v;
  }
}

template <ChargeKind kKind, bool kDivide, bool kSoft>
void Forward(const Neurons& p, const ForwardBlock& block, int64_t length) {
  const int64_t whole = length / kSpikesPerWord * kSpikesPerWord;
  StepVectors<kKind, kDivide, kSoft>(
      p, block, whole, [spikes = block.spikes](int64_t at, int j, const Fired& fired) {
        Store(fired.Numbers(), spikes + at + j * kLanes);
      });
  StepRest<kKind, kDivide, kSoft>(p, block, whole, length);
}

template <ChargeKind kKind, bool kDivide, bool kSoft>
int64_t ForwardBits(const Neurons& p, const ForwardBlock& block, int64_t length, uint32_t* words) {
  int64_t count = 0;
  uint32_t bits = 0;
  StepVectors<kKind, kDivide, kSoft>(p, block, length, [&](int64_t at, int j, const Fired& fired) {
    bits = j == 0 ? fired.Bits() : bits | fired.Bits() << (j * kLanes);
    if (j < kVectors - 1) return;
    words[at / kSpikesPerWord] = bits;
    count += __builtin_popcount(bits);
  });
  return count;
}

/** Calls one of a template's instances; a soft reset without decay_input keeps a share. */
#define CALL(F, p, ...)                                               \
  if ((p).keeps) {                                                    \
    if ((p).soft_reset) return F<kKeep, false, true>(p, __VA_ARGS__); \
    return F<kKeep, false, false>(p, __VA_ARGS__);                    \
  }                                                                   \
  if (!(p).decay_input) {                                             \
    if ((p).divide) return F<kLeak, true, false>(p, __VA_ARGS__);     \
    return F<kLeak, false, false>(p, __VA_ARGS__);                    \
  }                                                                   \
  switch ((p).divide * 2 + (p).soft_reset) {                          \
    case 0: return F<kDrive, false, false>(p, __VA_ARGS__);           \
    case 1: return F<kDrive, false, true>(p, __VA_ARGS__);            \
    case 2: return F<kDrive, true, false>(p, __VA_ARGS__);            \
    default: return F<kDrive, true, true>(p, __VA_ARGS__);            \
  }

void RunForward(const Neurons& p, const ForwardBlock& block,
                int64_t length){CALL(Forward, p, block, length)}

int64_t
    RunForwardBits(const Neurons& p, const ForwardBlock& block, int64_t length, uint32_t* words) {
  CALL(ForwardBits, p, block, length, words)
}

}  // namespace

#define LOOPS_OF(set) extern const LifLoops lif_loops_##set = {RunForward, RunForwardBits}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
