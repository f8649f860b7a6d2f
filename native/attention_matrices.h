// Matrices of one head in attention's loops, and their products. Compiled with those loops, for
// their instruction set.
#pragma once

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

/** Writes some vectors of a row of sums to its columns from `column` on. */
template <int kCount>
inline void Write(const Vector (&sums)[kCount], const Output& to, int64_t row, int64_t column) {
  float* const out = to.data + row * to.stride + column;
  if (column + kCount * kLanes <= to.columns) {
    for (int v = 0; v < kCount; v++) Store(sums[v] * to.scale, out + v * kLanes);
    return;
  }
  float values[kCount * kLanes];
  for (int v = 0; v < kCount; v++) Store(sums[v] * to.scale, values + v * kLanes);
  for (int64_t i = 0; i < to.columns - column; i++) out[i] = values[i];
}

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
  for (int r = 0; r < kTileRows; r++) Write(sums[r], to, row + r, column);
}

template <int kTileVectors>
void Strip(const Left& a, const Matrix& b, const Output& to, int64_t column) {
  int64_t row = 0;
  for (; row + kRows <= a.rows; row += kRows) Tile<kRows, kTileVectors>(a, b, to, row, column);
  for (; row + 2 <= a.rows; row += 2) Tile<2, kTileVectors>(a, b, to, row, column);
  if (row < a.rows) Tile<1, kTileVectors>(a, b, to, row, column);
}

template <int kCount>
struct Count {
  static constexpr int value = kCount;
};

/** Calls body(Count of vectors, their first column) for all that a row has. */
template <class Body>
void ForEachStrip(int64_t pitch, const Body& body) {
  int64_t column = 0;
  for (; column + kVectors * kLanes <= pitch; column += kVectors * kLanes) {
    body(Count<kVectors>{}, column);
  }
  switch ((pitch - column) / kLanes) {
    case 3: return body(Count<3>{}, column);
    case 2: return body(Count<2>{}, column);
    case 1: return body(Count<1>{}, column);
  }
}

void Product(const Left& a, const Matrix& b, const Output& to) {
  ForEachStrip(b.pitch, [&](auto vectors, int64_t column) {
    Strip<decltype(vectors)::value>(a, b, to, column);
  });
}

/** a b; what b has beyond its columns is zero there, too. */
Matrix Product(Arena& arena, const Left& a, const Matrix& b) {
  const Matrix to = arena.New(a.rows, b.columns);
  Product(a, b, Output{to.data, to.pitch, to.pitch, 1.0f});
  return to;
}

}  // namespace
}  // namespace spikingformer
