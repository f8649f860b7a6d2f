// Spikes, numbers that are 0 or 1, as bits: spike i is bit i % 32 of word i / 32.
#pragma once

#include <cstdint>

namespace spikingformer {

constexpr int64_t kSpikesPerWord = 32;

/** The words of the spikes and one more: how many of them are 1. */
constexpr int64_t SpikeWords(int64_t spikes) {
  return (spikes + kSpikesPerWord - 1) / kSpikesPerWord + 1;
}

inline int64_t SpikeCount(const uint32_t* words, int64_t spikes) {
  return words[SpikeWords(spikes) - 1];
}

/** Spikes from `first` on. */
struct SpikeBits {
  const uint32_t* words;
  int64_t first;

  SpikeBits From(int64_t spike) const { return {words, first + spike}; }
};

/**
 * Packs `length` numbers into SpikeWords(length) words; -1 if one of them is neither 0 nor 1, else
 * how many are 1. -0 is neither, so that what is unpacked is equal in every bit.
 */
int64_t PackSpikes(const float* x, int64_t length, uint32_t* words);

/** The reverse, on the caller's thread. */
void UnpackSpikes(const SpikeBits& spikes, int64_t length, float* x);

/** The loops of both; packing writes no count. */
struct SpikeBitLoops {
  int64_t (*pack)(const float* x, int64_t length, uint32_t* words);
  void (*unpack)(const SpikeBits& spikes, int64_t length, float* x);
};

// spike_bits_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const SpikeBitLoops spike_bits_loops_baseline;
extern const SpikeBitLoops spike_bits_loops_avx2;
extern const SpikeBitLoops spike_bits_loops_avx512;

}  // namespace spikingformer
