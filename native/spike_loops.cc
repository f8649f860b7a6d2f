// Convolutions that skip the zeros of their input, and the gradient of their filter: what is not
// zero is listed first, so that the sums run without a branch for each number. Compiled once for
// each INSTRUCTION_SET, without the standard library (see lif_loops.cc).
#include "spike_loops.h"

#include "vectors.h"

namespace spikingformer {
namespace {

/** Vectors that are summed together: enough of them that none waits for its last addition. */
constexpr int kWide = 8, kNarrow = 4;
constexpr int64_t kStrip = kWide * kLanes;
constexpr int64_t kNarrowStrip = kNarrow * kLanes;
/** Numbers of a panel that stay in the L1 cache. */
constexpr int64_t kCached = 8192;
static_assert(kCached / kStrip >= kLeastBlock, "ForwardStarts counts on it");
/** So many additions are worth fetching the sums that they are added to. */
constexpr int64_t kWorth = 24;

inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

/** Neighboring sums, which the compiler keeps in registers. */
template <int kVectors>
struct Sums {
  Vector part[kVectors];

  void Clear() {
    for (int i = 0; i < kVectors; i++) part[i] = Vector{};
  }
  void Read(const float* from) {
    for (int i = 0; i < kVectors; i++) part[i] = Load(from + i * kLanes);
  }
  void Write(float* to) const {
    for (int i = 0; i < kVectors; i++) Store(part[i], to + i * kLanes);
  }
  void Add(float factor, const float* row) {
    for (int i = 0; i < kVectors; i++) part[i] += factor * Load(row + i * kLanes);
  }
};

/** How wide the strip from column `first` is: narrow where that has room for what is left. */
inline int64_t StripWidth(int64_t columns, int64_t first) {
  return columns - first > kNarrowStrip ? kStrip : kNarrowStrip;
}

/**
 * `width` columns of a matrix [rows, columns], from `first`, as [rows, width]; 0 beyond the last.
 */
void PackColumns(const float* matrix, int64_t rows, int64_t columns, int64_t first, int64_t width,
                 float* to) {
  const int64_t length = Min(width, columns - first);
  for (int64_t row = 0; row < rows; row++, to += width) {
    const float* from = matrix + row * columns + first;
    for (int64_t i = 0; i < length; i++) to[i] = from[i];
    for (int64_t i = length; i < width; i++) to[i] = 0.0f;
  }
}

void Pack(const float* matrix, int64_t rows, int64_t columns, int64_t first, float* to) {
  PackColumns(matrix, rows, columns, first, StripWidth(columns, first), to);
}

/** Lists the places in [begin, end) at which x is not zero; returns the list's end. */
inline int32_t* ListNonZeros(const float* x, int64_t begin, int64_t end, int32_t* list) {
  int64_t k = begin;
#if defined(__AVX512F__)
  const __m512i step = _mm512_set1_epi32(16);
  __m512i places =
      _mm512_add_epi32(_mm512_set1_epi32(static_cast<int32_t>(begin)),
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
template <int kVectors>
inline void Finish(const Sums<kVectors>& sums, const float* scale, const float* shift,
                   int64_t first, int64_t length, float* y) {
  float values[kVectors * kLanes];
  sums.Write(values);
  if (!scale) {
    for (int64_t i = 0; i < length; i++) y[first + i] = values[i];
    return;
  }
  for (int64_t i = 0; i < length; i++) {
    y[first + i] = values[i] * scale[first + i] + shift[first + i];
  }
}

/** By every 16th run of 64 numbers. */
float Density(const float* x, int64_t length) {
  constexpr int64_t kRun = 64, kStep = 16 * kRun;
  int64_t seen = 0, others = 0;
  for (int64_t from = 0; from < length; from += kStep) {
    const float* run = x + from;
    const int64_t count = Min(kRun, length - from);
    int32_t non_zero = 0;
    for (int64_t i = 0; i < count; i++) non_zero += run[i] != 0.0f;
    others += non_zero;
    seen += count;
  }
  return static_cast<float>(static_cast<double>(others) / Max(seen, 1));
}

bool Finite(const float* x, int64_t length) {
  float sums[4 * kLanes] = {};  // 0 times infinity or NaN is NaN
  int64_t i = 0;
  for (; i + 4 * kLanes <= length; i += 4 * kLanes) {
    for (int j = 0; j < 4 * kLanes; j++) sums[j] += x[i + j] * 0.0f;
  }
  for (; i < length; i++) sums[0] += x[i] * 0.0f;
  float sum = 0.0f;
  for (int j = 0; j < 4 * kLanes; j++) sum += sums[j];
  return sum == sum;
}

/** What of output rows is the same for every strip of filters. */
struct ForwardRows {
  const SpikeConv& p;
  const float* x;
  int64_t begin, end;
  /** What the output rows meet of x. */
  int64_t first_row, last_row;
  /**
   * A pass goes over so many rows of the filter, and one of the blocks that each is divided into.
   */
  int64_t taps, block, blocks;
  const ForwardMemory& memory;

  /** What lies under one row of the filter: contiguous in x, as that row is in the filter. */
  const float* Under(int64_t row, int64_t column) const {
    return x + (row * p.width + column - p.padding()) * p.channels;
  }
};

/**
 * The part of a filter row that a pass adds up: sums wait in memory while another part is in the
 * cache.
 */
ForwardRows Divide(const SpikeConv& p, const float* x, int64_t begin, int64_t end,
                   const ForwardMemory& memory) {
  ForwardRows rows = {p,
                      x,
                      begin,
                      end,
                      Max(begin - p.padding(), 0),
                      Min(end + p.padding(), p.height),
                      p.size,
                      p.size * p.channels,
                      1,
                      memory};
  const int64_t pixel = p.width * p.channels, filter_row = rows.block;
  const float density =
      Density(x + rows.first_row * pixel, (rows.last_row - rows.first_row) * pixel);
  if (density * filter_row <= kWorth) return rows;
  const int64_t least =
      Max(static_cast<int64_t>(kWorth / density), kCached / StripWidth(p.filters, 0));
  rows.taps = 1;
  rows.blocks = (filter_row + least - 1) / least;
  rows.block = ((filter_row + rows.blocks - 1) / rows.blocks + 15) / 16 * 16;
  return rows;
}

/** Lists what is not zero, by the blocks of filter rows that it lies under. */
void ListBlocks(const ForwardRows& rows) {
  const SpikeConv& p = rows.p;
  int32_t* start = rows.memory.starts;
  int32_t* list = rows.memory.lists;
  for (int64_t row = rows.first_row; row < rows.last_row; row++) {
    for (int64_t column = 0; column < p.width; column++) {
      const int64_t left = Max(0, p.padding() - column) * p.channels;
      const int64_t right = Min(p.size, p.width + p.padding() - column) * p.channels;
      for (int64_t b = 0; b < rows.blocks; b++) {
        *start++ = static_cast<int32_t>(list - rows.memory.lists);
        const int64_t from = Max(left, b * rows.block), to = Min(right, (b + 1) * rows.block);
        list = ListNonZeros(rows.Under(row, column), from, to, list);
      }
    }
  }
  *start = static_cast<int32_t>(list - rows.memory.lists);
}

/** The filters from `first` that one strip has. */
template <int kVectors>
void ForwardStrip(const ForwardRows& rows, const float* panel, const float* scale,
                  const float* shift, int64_t first, float* y) {
  constexpr int64_t kWidth = kVectors * kLanes;
  const SpikeConv& p = rows.p;
  const int64_t padding = p.padding(), length = Min(kWidth, p.filters - first);
  const int32_t* const lists = rows.memory.lists;
  for (int64_t tap = 0; tap < p.size; tap += rows.taps) {
    for (int64_t b = 0; b < rows.blocks; b++) {
      const bool begins = tap == 0 && b == 0;
      const bool ends = tap + rows.taps >= p.size && b == rows.blocks - 1;
      float* to = y + rows.begin * p.width * p.filters;
      float* kept = rows.memory.kept;
      for (int64_t row = rows.begin; row < rows.end; row++) {
        const int64_t top = Max(tap, padding - row);
        const int64_t bottom = Min(tap + rows.taps, p.height + padding - row);
        for (int64_t column = 0; column < p.width; column++, to += p.filters, kept += kWidth) {
          Sums<kVectors> sums;
          if (begins)
            sums.Clear();
          else
            sums.Read(kept);
          for (int64_t i = top; i < bottom; i++) {
            const int64_t from = row + i - padding;
            const float* values = rows.Under(from, column);
            const float* weights = panel + i * p.size * p.channels * kWidth;
            const int64_t pixel = (from - rows.first_row) * p.width + column;
            const int32_t* const at = rows.memory.starts + pixel * rows.blocks + b;
            const int32_t* const end = lists + at[1];
            for (const int32_t* k = lists + at[0]; k < end; k++) {
              sums.Add(values[*k], weights + *k * kWidth);
            }
          }
          if (ends)
            Finish(sums, scale, shift, first, length, to);
          else
            sums.Write(kept);
        }
      }
    }
  }
}

void Forward(const SpikeConv& p, const float* x, const float* panels, const float* scale,
             const float* shift, float* y, int64_t begin, int64_t end,
             const ForwardMemory& memory) {
  const ForwardRows rows = Divide(p, x, begin, end, memory);
  ListBlocks(rows);
  for (int64_t first = 0; first < p.filters; first += kStrip) {
    const float* panel = panels + first * p.size * p.size * p.channels;
    const bool wide = StripWidth(p.filters, first) == kStrip;
    (wide ? ForwardStrip<kWide> : ForwardStrip<kNarrow>)(rows, panel, scale, shift, first, y);
  }
}

/**
 * Appends what is not zero of a pixel's channels: the pixel's place and the channel, and its value.
 */
inline int64_t ListPixel(const float* x, int64_t channels, int32_t at, int64_t n,
                         const GradientMemory& memory) {
  const int32_t place = at * kGradientChannels;
  int64_t c = 0;
#if defined(__AVX512F__)
  const __m512i step = _mm512_set1_epi32(16);
  __m512i places =
      _mm512_add_epi32(_mm512_set1_epi32(place),
                       _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  for (; c + 16 <= channels; c += 16, places = _mm512_add_epi32(places, step)) {
    const __m512 values = _mm512_loadu_ps(x + c);
    const __mmask16 mask = _mm512_cmp_ps_mask(values, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm512_storeu_si512(memory.places + n, _mm512_maskz_compress_epi32(mask, places));
    _mm512_storeu_ps(memory.values + n, _mm512_maskz_compress_ps(mask, values));
    n += __builtin_popcount(mask);
  }
#endif
  for (; c < channels; c++) {
    memory.places[n] = place + static_cast<int32_t>(c);
    memory.values[n] = x[c];
    n += x[c] != 0.0f;
  }
  return n;
}

/**
 * Lists what is not zero of the block's channels [begin, end) by channel; `ends`: where each list
 * ends.
 */
void ListChannels(const SpikeConv& p, const float* x, const PixelBlock& block, int64_t begin,
                  int64_t end, int64_t capacity, const GradientMemory& memory) {
  const int64_t padding = p.padding(), bordered = p.width + 2 * padding;
  int64_t n = 0;
  for (int64_t b = 0; b < block.images; b++) {
    const float* from = x + b * p.height * p.width * p.channels + begin;
    for (int64_t r = 0; r < block.rows; r++) {
      const int64_t at = (b * (block.rows + 2 * padding) + r) * bordered;
      for (int64_t w = 0; w < p.width; w++, from += p.channels) {
        n = ListPixel(from, end - begin, static_cast<int32_t>(at + w), n, memory);
      }
    }
  }
  for (int64_t c = 0; c < end - begin; c++) memory.ends[c] = static_cast<int32_t>(c * capacity);
  for (int64_t i = 0; i < n; i++) {
    const uint32_t place = memory.places[i];
    const int32_t at = place / kGradientChannels;
    memory.entries[memory.ends[place % kGradientChannels]++] = {at, memory.values[i]};
  }
}

/** The strip of dy that a block's filter rows meet, with padding around each image. */
void PackPanel(const SpikeConv& p, const float* dy, const PixelBlock& block, int64_t row0,
               int64_t first, int64_t width, float* panel) {
  const int64_t padding = p.padding(), bordered = p.width + 2 * padding;
  const int64_t image = p.height * p.width * p.filters;
  for (int64_t b = 0; b < block.images; b++, dy += image) {
    for (int64_t r = 0; r < block.rows + 2 * padding; r++, panel += bordered * width) {
      const int64_t row = row0 + r - padding;
      const bool inside = row >= 0 && row < p.height;
      const int64_t left = inside ? padding * width : bordered * width;
      for (int64_t i = 0; i < left; i++) panel[i] = 0.0f;
      if (!inside) continue;
      PackColumns(dy + row * p.width * p.filters, p.width, p.filters, first, width, panel + left);
      for (int64_t i = left + p.width * width; i < bordered * width; i++) panel[i] = 0.0f;
    }
  }
}

/** to[i] (=, or +=) the sums of value * row over a list, for kTaps strips side by side. */
template <int kTaps, int kVectors>
inline void SumListed(const Entry* list, const Entry* end, const float* rows, bool add,
                      int64_t length, float* const* to) {
  constexpr int64_t kWidth = kVectors * kLanes;
  Sums<kTaps * kVectors> sums;
  sums.Clear();
  for (; list < end; list++) sums.Add(list->value, rows + list->at * kWidth);
  if (length == kWidth) {
    for (int i = 0; i < kTaps * kVectors; i++) {
      float* const out = to[i / kVectors] + i % kVectors * kLanes;
      Store(add ? Load(out) + sums.part[i] : sums.part[i], out);
    }
    return;
  }
  float values[kTaps * kWidth];
  sums.Write(values);
  for (int tap = 0; tap < kTaps; tap++) {
    const float* from = values + tap * kWidth;
    for (int64_t i = 0; i < length; i++) to[tap][i] = add ? to[tap][i] + from[i] : from[i];
  }
}

/** What one block of pixels adds to the filters from `first` that one strip of kVectors has. */
template <int kVectors>
void GradientStrip(const SpikeConv& p, const PixelBlock& block, bool add, const FilterPart& part,
                   int64_t first, int64_t capacity, const GradientMemory& memory, float* dw) {
  constexpr int64_t kWidth = kVectors * kLanes;
  const int64_t bordered = p.width + 2 * p.padding(), length = Min(kWidth, part.last - first);
  for (int64_t c = part.begin; c < part.end; c++) {
    const Entry* const list = memory.entries + (c - part.begin) * capacity;
    const Entry* const stop = memory.entries + memory.ends[c - part.begin];
    for (int64_t i = 0; i < p.size; i++) {
      float* const to = dw + (i * p.size * p.channels + c) * p.filters + first;
      const float* const rows = memory.panel + (p.size - 1 - i) * bordered * kWidth;
      // The filter's columns from right to left are the panel's pixels from left to right.
      const auto column = [&](int64_t j) { return to + j * p.channels * p.filters; };
      int64_t j = p.size;
      if (kVectors == kNarrow) {
        for (; j >= 3; j -= 3) {
          float* const three[] = {column(j - 1), column(j - 2), column(j - 3)};
          SumListed<3, kNarrow>(list, stop, rows + (p.size - j) * kWidth, add, length, three);
        }
      }
      for (; j >= 1; j--) {
        float* const one[] = {column(j - 1)};
        SumListed<1, kVectors>(list, stop, rows + (p.size - j) * kWidth, add, length, one);
      }
    }
  }
}

void FilterGradient(const SpikeConv& p, int64_t images, const PixelBlock& whole, const float* x,
                    const float* dy, float* dw, const FilterPart& part,
                    const GradientMemory& memory) {
  const int64_t capacity = GradientCapacity(p, whole);
  bool add = false;
  for (int64_t b0 = 0; b0 < images; b0 += whole.images) {
    for (int64_t row0 = 0; row0 < p.height; row0 += whole.rows) {
      const PixelBlock block = {Min(whole.images, images - b0), Min(whole.rows, p.height - row0)};
      const int64_t first_pixel = (b0 * p.height + row0) * p.width;
      ListChannels(p, x + first_pixel * p.channels, block, part.begin, part.end, capacity, memory);
      const float* const dy0 = dy + b0 * p.height * p.width * p.filters;
      for (int64_t first = part.first; first < part.last;) {
        // Three columns of a filter are as many sums as one wide strip.
        const bool wide = p.size == 1 && StripWidth(part.last, first) == kStrip;
        const int64_t width = wide ? kStrip : kNarrowStrip;
        PackPanel(p, dy0, block, row0, first, width, memory.panel);
        (wide ? GradientStrip<kWide> : GradientStrip<kNarrow>)(p, block, add, part, first, capacity,
                                                               memory, dw);
        first += width;
      }
      add = true;
    }
  }
}

}  // namespace

#define LOOPS_OF(set)                                                   \
  extern const SpikeLoops spike_loops_##set = {kStrip, Density, Finite, \
                                               Pack,   Forward, FilterGradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
