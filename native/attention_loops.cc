// The products of spiking attention, and of its gradient, for one head at one time step: the head
// is copied to rows of whole vectors, which stay in the caches. Spikes that come as bits are
// listed, and what is zero is left out. Every sum runs in one order, so that each instruction set
// gives the same bits, and spikes the same as numbers. Compiled once for each INSTRUCTION_SET,
// without the standard library (see lif_loops.cc).
#include "attention_loops.h"

#include "attention_matrices.h"
#include "spike_lists.h"

namespace spikingformer {
namespace {

/** Spikes [tokens, channels]: those of token n are at the channels in places from starts[n] on. */
struct Spikes {
  int64_t tokens, channels;
  int32_t *starts, *places;
};

/** `memory` moves on behind what it lists. */
Spikes List(const Attention& p, const SpikeBits& bits, int32_t*& memory) {
  const Spikes spikes = {p.tokens, p.head_dim, memory, memory + p.tokens + 1};
  int32_t* end = spikes.places;
  for (int64_t n = 0; n < p.tokens; n++) {
    spikes.starts[n] = static_cast<int32_t>(end - spikes.places);
    end = ListSpikes(bits.From(n * p.stride), 0, p.head_dim, 0, end);
  }
  spikes.starts[p.tokens] = static_cast<int32_t>(end - spikes.places);
  memory = end;
  return spikes;
}

Matrix Zeros(Arena& arena, int64_t rows, int64_t columns) {
  const Matrix to = arena.New(rows, columns);
  for (int64_t i = 0; i < to.rows * to.pitch; i += kLanes) Store(Vector{}, to.data + i);
  return to;
}

/** As numbers. */
Matrix Unpack(Arena& arena, const Spikes& spikes) {
  const Matrix to = Zeros(arena, spikes.tokens, spikes.channels);
  for (int64_t n = 0; n < spikes.tokens; n++) {
    for (int32_t i = spikes.starts[n]; i < spikes.starts[n + 1]; i++) {
      to.data[n * to.pitch + spikes.places[i]] = 1.0f;
    }
  }
  return to;
}

/** aT b. */
Matrix TransposedProduct(Arena& arena, const Spikes& a, const Matrix& b) {
  const Matrix to = Zeros(arena, a.channels, b.columns);
  ForEachStrip(b.pitch, [&](auto vectors, int64_t column) {
    constexpr int kCount = decltype(vectors)::value;
    for (int64_t n = 0; n < a.tokens; n++) {
      Vector row[kCount];
      for (int v = 0; v < kCount; v++) row[v] = Load(b.data + n * b.pitch + column + v * kLanes);
      for (int32_t i = a.starts[n]; i < a.starts[n + 1]; i++) {
        float* const sums = to.data + a.places[i] * to.pitch + column;
        for (int v = 0; v < kCount; v++) {
          Store(Load(sums + v * kLanes) + row[v], sums + v * kLanes);
        }
      }
    }
  });
  return to;
}

/** scale a b. */
void Product(const Spikes& a, const Matrix& b, const Output& to) {
  ForEachStrip(b.pitch, [&](auto vectors, int64_t column) {
    constexpr int kCount = decltype(vectors)::value;
    for (int64_t n = 0; n < a.tokens; n++) {
      Vector sums[kCount] = {};
      for (int32_t i = a.starts[n]; i < a.starts[n + 1]; i++) {
        const float* const row = b.data + a.places[i] * b.pitch + column;
        for (int v = 0; v < kCount; v++) sums[v] += Load(row + v * kLanes);
      }
      Write(sums, to, n, column);
    }
  });
}

/** Whether none is infinite or NaN, which 0 times would be NaN. */
bool Finite(const Matrix& a) {
  Vector sums = {};
  for (int64_t i = 0; i < a.rows * a.pitch; i += kLanes) sums += Load(a.data + i) * 0.0f;
  return AllZero(sums);
}

/** The factors of a head as numbers. */
struct Factors {
  Matrix q, k, v;
};

/** (q kT) v or q (kT v), whichever takes fewer operations. */
void Forward(const Attention& p, const Factors& x, const Output& y, Arena& arena) {
  if (p.tokens < p.head_dim) {
    const Matrix qk = Product(arena, AsIs(x.q), Transposed(arena, x.k));
    Product(AsIs(qk), x.v, y);
  } else {
    const Matrix kv = Product(arena, AsTransposed(x.k), x.v);
    Product(AsIs(x.q), kv, y);
  }
}

/** Where the gradients go. */
struct Gradients {
  Output q, k, v;
};

/** The gradient of q kT is dy vT, that of kT v is qT dy: d_qk and d_kv. */
void Gradient(const Attention& p, const Matrix& dy, const Factors& x, const Gradients& to,
              Arena& arena) {
  if (p.tokens < p.head_dim) {
    const Matrix qk = Product(arena, AsIs(x.q), Transposed(arena, x.k));
    const Matrix d_qk = Product(arena, AsIs(dy), Transposed(arena, x.v));
    Product(AsIs(d_qk), x.k, to.q);
    Product(AsTransposed(d_qk), x.q, to.k);
    Product(AsTransposed(qk), dy, to.v);
  } else {
    Product(AsIs(dy), Product(arena, AsTransposed(x.v), x.k), to.q);
    const Matrix d_kv = Product(arena, AsTransposed(x.q), dy);
    Product(AsIs(x.k), d_kv, to.v);
    Product(AsIs(x.v), Transposed(arena, d_kv), to.k);
  }
}

Output OutputOf(const Attention& p, float* to) { return {to, p.stride, p.head_dim, p.scale}; }

void Forward(const Attention& p, const float* q, const float* k, const float* v, float* y,
             const AttentionMemory& memory) {
  Arena arena = {memory.numbers};
  const Factors x = {Pack(arena, p, q), Pack(arena, p, k), Pack(arena, p, v)};
  Forward(p, x, OutputOf(p, y), arena);
}

void Gradient(const Attention& p, const float* dy, const float* q, const float* k, const float* v,
              float* dq, float* dk, float* dv, const AttentionMemory& memory) {
  Arena arena = {memory.numbers};
  const Factors x = {Pack(arena, p, q), Pack(arena, p, k), Pack(arena, p, v)};
  Gradient(p, Pack(arena, p, dy), x, {OutputOf(p, dq), OutputOf(p, dk), OutputOf(p, dv)}, arena);
}

/** The factors of a head as places. */
struct Listed {
  Spikes q, k, v;

  Listed(const Attention& p, const AttentionBits& bits, int32_t* memory)
      : q(List(p, bits.q, memory)), k(List(p, bits.k, memory)), v(List(p, bits.v, memory)) {}

  Factors Unpacked(Arena& arena) const {
    return {Unpack(arena, q), Unpack(arena, k), Unpack(arena, v)};
  }
};

void ForwardSpikes(const Attention& p, const AttentionBits& bits, float* y,
                   const AttentionMemory& memory) {
  Arena arena = {memory.numbers};
  const Listed x(p, bits, memory.places);
  if (p.tokens < p.head_dim) return Forward(p, x.Unpacked(arena), OutputOf(p, y), arena);
  const Matrix kv = TransposedProduct(arena, x.k, Unpack(arena, x.v));
  Product(x.q, kv, OutputOf(p, y));
}

void GradientSpikes(const Attention& p, const float* dy, const AttentionBits& bits, float* dq,
                    float* dk, float* dv, const AttentionMemory& memory) {
  Arena arena = {memory.numbers};
  const Listed x(p, bits, memory.places);
  const Matrix dys = Pack(arena, p, dy);
  const Gradients to = {OutputOf(p, dq), OutputOf(p, dk), OutputOf(p, dv)};
  if (p.tokens >= p.head_dim) {
    const Arena before = arena;
    const Matrix d_kv = TransposedProduct(arena, x.q, dys);
    if (Finite(dys) && Finite(d_kv)) {
      Product(AsIs(dys), TransposedProduct(arena, x.v, Unpack(arena, x.k)), to.q);
      Product(x.k, d_kv, to.v);
      Product(x.v, Transposed(arena, d_kv), to.k);
      return;
    }
    arena = before;
  }
  Gradient(p, dys, x.Unpacked(arena), to, arena);
}

}  // namespace

#define LOOPS_OF(set)                                                                            \
  extern const AttentionLoops attention_loops_##set = {kLanes, Forward, Gradient, ForwardSpikes, \
                                                       GradientSpikes}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
