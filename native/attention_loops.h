// The loops of spiking attention over one head at one time step, and the table that they are picked
// from.
#pragma once

#include <cstdint>

#include "spike_bits.h"

namespace spikingformer {

/** How a head lies among the others: number e of its token n at n * stride + e. */
struct Attention {
  int64_t tokens, head_dim, stride;
  float scale;
};

/** q, k and v of a head as bits: the first spike of its first token. */
struct AttentionBits {
  SpikeBits q, k, v;
};

/** AttentionNumbers(...) numbers and, for spikes, AttentionPlaces(...) places; undefined. */
struct AttentionMemory {
  float* numbers;
  int32_t* places;
};

struct AttentionLoops {
  /** Numbers in a vector: rows in memory are whole vectors. */
  int64_t lanes;

  /** y = scale q kT v. */
  void (*forward)(const Attention&, const float* q, const float* k, const float* v, float* y,
                  const AttentionMemory&);
  void (*gradient)(const Attention&, const float* dy, const float* q, const float* k,
                   const float* v, float* dq, float* dk, float* dv, const AttentionMemory&);

  /** The same of spikes, equal in every bit. */
  void (*forward_spikes)(const Attention&, const AttentionBits&, float* y, const AttentionMemory&);
  void (*gradient_spikes)(const Attention&, const float* dy, const AttentionBits&, float* dq,
                          float* dk, float* dv, const AttentionMemory&);
};

/** dy, q, k and v of a head, two of them transposed, and three products. */
constexpr int64_t AttentionNumbers(const Attention& p, int64_t lanes) {
  const int64_t tokens = (p.tokens + lanes - 1) / lanes * lanes;
  const int64_t channels = (p.head_dim + lanes - 1) / lanes * lanes;
  const int64_t fewer = tokens < channels ? tokens : channels;
  return 6 * tokens * channels + 3 * fewer * fewer;
}

/** q, k and v; a vector may be stored where a list ends. */
constexpr int64_t AttentionPlaces(const Attention& p) {
  return 3 * (p.tokens * (p.head_dim + 1) + 1) + 16;
}

// attention_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const AttentionLoops attention_loops_baseline;
extern const AttentionLoops attention_loops_avx2;
extern const AttentionLoops attention_loops_avx512;

}  // namespace spikingformer
