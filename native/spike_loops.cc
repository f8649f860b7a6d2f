// Convolutions that skip the zeros of their input, and the gradient of their filter: what is not zero is
// listed first, so that the sums run without a branch for each number. Compiled once for each
// INSTRUCTION_SET, without the standard library (see lif_loops.cc).
#include "spike_loops.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace spikingformer {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kVectors = 4;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kVectors = 8;
#else
constexpr int kLanes = 4, kVectors = 8;
#endif
constexpr int64_t kStrip = kLanes * kVectors;

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias));

inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

/** One output pixel's or filter row's sums, which the compiler keeps in registers. */
struct Sums {
  Vector part[kVectors];

  void Clear() {
    for (int i = 0; i < kVectors; i++) part[i] = Vector{};
  }
  void Load(const float* from) {
    for (int i = 0; i < kVectors; i++) part[i] = *(const Vector*)(from + i * kLanes);
  }
  void Store(float* to) const {
    for (int i = 0; i < kVectors; i++) *(Vector*)(to + i * kLanes) = part[i];
  }
  void Add(float factor, const float* row) {
    for (int i = 0; i < kVectors; i++) part[i] += factor * *(const Vector*)(row + i * kLanes);
  }
};

void Pack(const float* matrix, int64_t rows, int64_t columns, int64_t first, float* to) {
  const int64_t length = Min(kStrip, columns - first);
  for (int64_t row = 0; row < rows; row++, to += kStrip) {
    const float* from = matrix + row * columns + first;
    for (int64_t i = 0; i < length; i++) to[i] = from[i];
    for (int64_t i = length; i < kStrip; i++) to[i] = 0.0f;
  }
}

/** Lists the places in [begin, end) at which x is not zero; returns the list's end. */
inline int32_t* ListNonZeros(const float* x, int64_t begin, int64_t end, int32_t* list) {
  int64_t k = begin;
#if defined(__AVX512F__)
  const __m512i step = _mm512_set1_epi32(16);
  __m512i places = _mm512_add_epi32(
      _mm512_set1_epi32(static_cast<int32_t>(begin)),
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  for (; k + 16 <= end; k += 16, places = _mm512_add_epi32(places, step)) {
    const __mmask16 mask =
        _mm512_cmp_ps_mask(_mm512_loadu_ps(x + k), _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm512_storeu_si512(list, _mm512_maskz_compress_epi32(mask, places));
    list += __builtin_popcount(mask);
  }
#endif
  for (; k < end; k++) {
    *list = static_cast<int32_t>(k);
    list += x[k] != 0.0f;
  }
  return list;
}

/** y[i] = scale[i] sums[i] + shift[i], of the channels that there are. */
inline void Finish(const Sums& sums, const float* scale, const float* shift, int64_t first,
                   int64_t length, float* y) {
  float values[kStrip];
  sums.Store(values);
  if (!scale) {
    for (int64_t i = 0; i < length; i++) y[first + i] = values[i];
    return;
  }
  for (int64_t i = 0; i < length; i++) {
    y[first + i] = values[i] * scale[first + i] + shift[first + i];
  }
}

void Forward(const SpikeConv& p, const float* x, const float* panels, const float* scale,
             const float* shift, float* y, int64_t begin, int64_t end, int32_t* starts,
             int32_t* lists) {
  const int64_t padding = p.padding(), filter_row = p.size * p.channels;
  // What lies under one row of the filter is contiguous in x, as that row is in the filter.
  const auto under = [&](int64_t row, int64_t column) {
    return x + (row * p.width + column - padding) * p.channels;
  };
  const int64_t first_row = Max(begin - padding, 0), last_row = Min(end + padding, p.height);
  int32_t* list = lists;
  int32_t* start = starts;
  for (int64_t row = first_row; row < last_row; row++) {
    for (int64_t column = 0; column < p.width; column++) {
      *start++ = static_cast<int32_t>(list - lists);
      const int64_t left = Max(0, padding - column);
      const int64_t right = Min(p.size, p.width + padding - column);
      list = ListNonZeros(under(row, column), left * p.channels, right * p.channels, list);
    }
  }
  *start = static_cast<int32_t>(list - lists);

  for (int64_t first = 0; first < p.filters; first += kStrip) {
    const float* panel = panels + first * p.size * filter_row;
    const int64_t length = Min(kStrip, p.filters - first);
    float* to = y + begin * p.width * p.filters;
    for (int64_t row = begin; row < end; row++) {
      const int64_t top = Max(row - padding, 0), bottom = Min(row + padding + 1, p.height);
      for (int64_t column = 0; column < p.width; column++, to += p.filters) {
        Sums sums;
        sums.Clear();
        for (int64_t from = top; from < bottom; from++) {
          const float* values = under(from, column);
          const float* weights = panel + (from - row + padding) * filter_row * kStrip;
          const int32_t* at = starts + (from - first_row) * p.width + column;
          for (int32_t i = at[0]; i < at[1]; i++) {
            sums.Add(values[lists[i]], weights + lists[i] * kStrip);
          }
        }
        Finish(sums, scale, shift, first, length, to);
      }
    }
  }
}

/** A number of x that is not zero, and its pixel's place in the panel. */
struct Entry {
  int32_t at;
  float value;
};

/** Appends what is not zero of a pixel's channels to the lists of those channels. */
inline void ListPixel(const float* x, int64_t channels, int32_t at, int64_t capacity,
                      int32_t* counts, Entry* lists) {
  int64_t c = 0;
#if defined(__AVX512F__)
  for (; c + 16 <= channels; c += 16) {
    uint32_t mask = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + c), _mm512_setzero_ps(), _CMP_NEQ_UQ);
    for (; mask; mask &= mask - 1) {
      const int64_t i = c + __builtin_ctz(mask);
      lists[i * capacity + counts[i]++] = {at, x[i]};
    }
  }
#endif
  for (; c < channels; c++) {
    if (x[c] != 0.0f) lists[c * capacity + counts[c]++] = {at, x[c]};
  }
}

/** The strip of dy that a block's filter rows meet, with padding around each image. */
void PackPanel(const SpikeConv& p, const float* dy, const PixelBlock& block, int64_t row0,
               int64_t first, float* panel) {
  const int64_t padding = p.padding(), bordered = p.width + 2 * padding;
  const int64_t image = p.height * p.width * p.filters;
  for (int64_t b = 0; b < block.images; b++, dy += image) {
    for (int64_t r = 0; r < block.rows + 2 * padding; r++, panel += bordered * kStrip) {
      const int64_t row = row0 + r - padding;
      const bool inside = row >= 0 && row < p.height;
      const int64_t left = inside ? padding * kStrip : bordered * kStrip;
      for (int64_t i = 0; i < left; i++) panel[i] = 0.0f;
      if (!inside) continue;
      Pack(dy + row * p.width * p.filters, p.width, p.filters, first, panel + left);
      for (int64_t i = left + p.width * kStrip; i < bordered * kStrip; i++) panel[i] = 0.0f;
    }
  }
}

/** to (=, or +=) the sum of value * row over a list; `length` of its numbers are there. */
inline void SumListed(const Entry* list, const Entry* end, const float* rows, bool add,
                      int64_t length, float* to) {
  float spill[kStrip];
  float* const out = length == kStrip ? to : spill;
  Sums sums;
  sums.Clear();
  for (; list < end; list++) sums.Add(list->value, rows + list->at * kStrip);
  if (add && length == kStrip) {
    Sums before;
    before.Load(to);
    for (int i = 0; i < kVectors; i++) sums.part[i] += before.part[i];
  }
  sums.Store(out);
  if (length == kStrip) return;
  for (int64_t i = 0; i < length; i++) to[i] = add ? to[i] + spill[i] : spill[i];
}

void FilterGradient(const SpikeConv& p, int64_t images, const PixelBlock& whole, const float* x,
                    const float* dy, float* dw, int64_t begin, int64_t end, int32_t* counts,
                    int32_t* numbers, float* panel) {
  static_assert(sizeof(Entry) == 2 * sizeof(int32_t), "an entry is two numbers of `lists`");
  auto* const lists = reinterpret_cast<Entry*>(numbers);
  const int64_t padding = p.padding(), bordered = p.width + 2 * padding;
  const int64_t capacity = whole.images * whole.rows * p.width;
  bool add = false;
  for (int64_t b0 = 0; b0 < images; b0 += whole.images) {
    for (int64_t row0 = 0; row0 < p.height; row0 += whole.rows) {
      const PixelBlock block = {Min(whole.images, images - b0), Min(whole.rows, p.height - row0)};
      const int64_t first_pixel = (b0 * p.height + row0) * p.width;
      for (int64_t c = 0; c < end - begin; c++) counts[c] = 0;
      for (int64_t b = 0; b < block.images; b++) {
        const float* from = x + (first_pixel + b * p.height * p.width) * p.channels + begin;
        for (int64_t r = 0; r < block.rows; r++) {
          const int64_t at = (b * (block.rows + 2 * padding) + r) * bordered;
          for (int64_t w = 0; w < p.width; w++, from += p.channels) {
            ListPixel(from, end - begin, static_cast<int32_t>(at + w), capacity, counts, lists);
          }
        }
      }
      for (int64_t first = 0; first < p.filters; first += kStrip) {
        const int64_t length = Min(kStrip, p.filters - first);
        PackPanel(p, dy + b0 * p.height * p.width * p.filters, block, row0, first, panel);
        for (int64_t c = begin; c < end; c++) {
          const Entry* list = lists + (c - begin) * capacity;
          for (int64_t tap = 0; tap < p.size * p.size; tap++) {
            const int64_t i = tap / p.size, j = tap % p.size;
            const int64_t shift = (p.size - 1 - i) * bordered + (p.size - 1 - j);
            SumListed(list, list + counts[c - begin], panel + shift * kStrip, add, length,
                      dw + (tap * p.channels + c) * p.filters + first);
          }
        }
      }
      add = true;
    }
  }
}

}  // namespace

#define LOOPS_OF(set) \
  extern const SpikeLoops spike_loops_##set = {kStrip, Pack, Forward, FilterGradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
