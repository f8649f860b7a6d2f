// The loops of spiking attention over one head at one time step, and the table that they are picked
// from.
#pragma once

#include <cstdint>

namespace spikingformer {

/** How a head lies among the others: number e of its token n at n * stride + e. */
struct Attention {
  int64_t tokens, head_dim, stride;
  float scale;
};

struct AttentionLoops {
  /** Numbers in a vector: rows of the scratch memory are whole vectors. */
  int64_t lanes;

  /** y = scale q kT v. scratch: AttentionScratch(...) numbers. */
  void (*forward)(const Attention&, const float* q, const float* k, const float* v, float* y,
                  float* scratch);
  void (*gradient)(const Attention&, const float* dy, const float* q, const float* k,
                   const float* v, float* dq, float* dk, float* dv, float* scratch);
};

/** dy, q, k and v of a head, two of them transposed, and three products. */
constexpr int64_t AttentionScratch(const Attention& p, int64_t lanes) {
  const int64_t tokens = (p.tokens + lanes - 1) / lanes * lanes;
  const int64_t channels = (p.head_dim + lanes - 1) / lanes * lanes;
  const int64_t fewer = tokens < channels ? tokens : channels;
  return 6 * tokens * channels + 3 * fewer * fewer;
}

// attention_loops.cc is compiled once for each, with -DINSTRUCTION_SET=avx2 and so on.
extern const AttentionLoops attention_loops_baseline;
extern const AttentionLoops attention_loops_avx2;
extern const AttentionLoops attention_loops_avx512;

}  // namespace spikingformer
