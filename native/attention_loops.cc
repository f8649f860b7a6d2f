// The products of spiking attention, and of its gradient, for one head at one time step: the head
// is copied to rows of whole vectors, which stay in the caches. Zeros are multiplied too: of a
// head's short rows that is as fast as leaving them out. Every sum runs in one order, so that each
// instruction set gives the same bits. Compiled once for each INSTRUCTION_SET, without the standard
// library (see lif_loops.cc).
#include "attention_loops.h"

#include "vectors.h"

namespace spikingformer {
namespace {

/** As many rows and vectors are summed together as the registers hold. */
constexpr int kRows = 6;
#if defined(__AVX512F__)
constexpr int kVectors = 4;
#else
constexpr int kVectors = 2;
#endif

/** Rows that lie `pitch` apart, with zeros from `columns` on to whole vectors. */
struct Matrix {
  int64_t rows, columns, pitch;
  float* data;
};

/** Hands out the scratch memory. */
struct Arena {
  float* next;

  Matrix New(int64_t rows, int64_t columns) {
    const Matrix matrix = {rows, columns, (columns + kLanes - 1) / kLanes * kLanes, next};
    next += rows * matrix.pitch;
    return matrix;
  }
};

/** The rows of a head, one after the other. */
Matrix Pack(Arena& arena, const Attention& p, const float* from) {
  const Matrix to = arena.New(p.tokens, p.head_dim);
  float* row = to.data;
  for (int64_t i = 0; i < to.rows; i++, from += p.stride, row += to.pitch) {
    int64_t j = 0;
    for (; j + kLanes <= to.columns; j += kLanes) Store(Load(from + j), row + j);
    for (; j < to.columns; j++) row[j] = from[j];
    for (; j < to.pitch; j++) row[j] = 0.0f;
  }
  return to;
}

Matrix Transposed(Arena& arena, const Matrix& a) {
  const Matrix to = arena.New(a.columns, a.rows);
  float* row = to.data;
  for (int64_t i = 0; i < to.rows; i++, row += to.pitch) {
    for (int64_t j = 0; j < to.columns; j++) row[j] = a.data[j * a.pitch + i];
    for (int64_t j = to.columns; j < to.pitch; j++) row[j] = 0.0f;
  }
  return to;
}

/** The left factor of a product: its number (i, j) lies at i * row + j * column. */
struct Left {
  const float* data;
  int64_t rows, columns, row, column;
};
Left AsIs(const Matrix& a) { return {a.data, a.rows, a.columns, a.pitch, 1}; }
Left AsTransposed(const Matrix& a) { return {a.data, a.columns, a.rows, 1, a.pitch}; }

/** Where a product goes, and what it is multiplied by. */
struct Output {
  float* data;
  int64_t stride, columns;
  float scale;
};

/** Some rows of scale a b, some vectors of their columns. */
template <int kTileRows, int kTileVectors>
void Tile(const Left& a, const Matrix& b, const Output& to, int64_t row, int64_t column) {
  Vector sums[kTileRows][kTileVectors] = {};
  const float* factors = a.data + row * a.row;
  const float* line = b.data + column;
  for (int64_t j = 0; j < a.columns; j++, factors += a.column, line += b.pitch) {
    for (int r = 0; r < kTileRows; r++) {
      for (int v = 0; v < kTileVectors; v++) {
        sums[r][v] += factors[r * a.row] * Load(line + v * kLanes);
      }
    }
  }
  for (int r = 0; r < kTileRows; r++) {
    float* out = to.data + (row + r) * to.stride + column;
    for (int v = 0; v < kTileVectors; v++, out += kLanes) {
      const Vector scaled = sums[r][v] * to.scale;
      const int64_t length = to.columns - column - v * kLanes;
      if (length >= kLanes) {
        Store(scaled, out);
      } else {
        for (int64_t i = 0; i < length; i++) out[i] = scaled[i];
      }
    }
  }
}

template <int kTileVectors>
void Strip(const Left& a, const Matrix& b, const Output& to, int64_t column) {
  int64_t row = 0;
  for (; row + kRows <= a.rows; row += kRows) Tile<kRows, kTileVectors>(a, b, to, row, column);
  for (; row + 2 <= a.rows; row += 2) Tile<2, kTileVectors>(a, b, to, row, column);
  if (row < a.rows) Tile<1, kTileVectors>(a, b, to, row, column);
}

void Product(const Left& a, const Matrix& b, const Output& to) {
  int64_t column = 0;
  for (; column + kVectors * kLanes <= b.pitch; column += kVectors * kLanes) {
    Strip<kVectors>(a, b, to, column);
  }
  switch ((b.pitch - column) / kLanes) {
    case 3: return Strip<3>(a, b, to, column);
    case 2: return Strip<2>(a, b, to, column);
    case 1: return Strip<1>(a, b, to, column);
  }
}

/** a b; what b has beyond its columns is zero there, too. */
Matrix Product(Arena& arena, const Left& a, const Matrix& b) {
  const Matrix to = arena.New(a.rows, b.columns);
  Product(a, b, Output{to.data, to.pitch, to.pitch, 1.0f});
  return to;
}

/** (q kT) v or q (kT v), whichever takes fewer operations. */
void Forward(const Attention& p, const float* q, const float* k, const float* v, float* y,
             float* scratch) {
  Arena arena = {scratch};
  const Output out = {y, p.stride, p.head_dim, p.scale};
  const Matrix qs = Pack(arena, p, q), ks = Pack(arena, p, k), vs = Pack(arena, p, v);
  if (p.tokens < p.head_dim) {
    const Matrix qk = Product(arena, AsIs(qs), Transposed(arena, ks));
    Product(AsIs(qk), vs, out);
  } else {
    const Matrix kv = Product(arena, AsTransposed(ks), vs);
    Product(AsIs(qs), kv, out);
  }
}

/** The gradient of q kT is dy vT, that of kT v is qT dy: d_qk and d_kv. */
void Gradient(const Attention& p, const float* dy, const float* q, const float* k, const float* v,
              float* dq, float* dk, float* dv, float* scratch) {
  Arena arena = {scratch};
  const auto out = [&](float* to) { return Output{to, p.stride, p.head_dim, p.scale}; };
  const Matrix qs = Pack(arena, p, q), ks = Pack(arena, p, k), vs = Pack(arena, p, v);
  const Matrix dys = Pack(arena, p, dy);
  if (p.tokens < p.head_dim) {
    const Matrix qk = Product(arena, AsIs(qs), Transposed(arena, ks));
    const Matrix d_qk = Product(arena, AsIs(dys), Transposed(arena, vs));
    Product(AsIs(d_qk), ks, out(dq));
    Product(AsTransposed(d_qk), qs, out(dk));
    Product(AsTransposed(qk), dys, out(dv));
  } else {
    Product(AsIs(dys), Product(arena, AsTransposed(vs), ks), out(dq));
    const Matrix d_kv = Product(arena, AsTransposed(qs), dys);
    Product(AsIs(ks), d_kv, out(dv));
    Product(AsIs(vs), Transposed(arena, d_kv), out(dk));
  }
}

}  // namespace

#define LOOPS_OF(set) \
  extern const AttentionLoops attention_loops_##set = {kLanes, Forward, Gradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
