// Convolutions that skip the zeros of their input: what is not zero is listed first, so that the
// sums run without a branch for each number. Compiled once for each INSTRUCTION_SET, without the
// standard library (see lif_loops.cc).
#include "spike_loops.h"

#include "spike_lists.h"
#include "spike_sums.h"

namespace spikingformer {
namespace {

/** Numbers of a panel that stay in the L1 cache. */
constexpr int64_t kCached = 8192;
static_assert(kCached / kStrip >= kLeastBlock, "ForwardStarts counts on it");
/** So many additions are worth fetching the sums that they are added to. */
constexpr int64_t kWorth = 24;

void Pack(const float* matrix, int64_t rows, int64_t columns, int64_t first, float* to) {
  PackColumns(matrix, rows, columns, first, StripWidth(columns, first), to);
}

/** y[at + i] = scale[i] sums[i] + shift[i] + addend[at + i], of the filters that there are from
 * `first` on. */
template <int kVectors>
inline void Finish(const Sums<kVectors>& sums, const Finishing& given, int64_t first,
                   int64_t length, int64_t at, float* y) {
  float values[kVectors * kLanes];
  sums.Write(values);
  float* const to = y + at + first;
  if (!given.scale) {
    for (int64_t i = 0; i < length; i++) to[i] = values[i];
  } else {
    const float *const scale = given.scale + first, *const shift = given.shift + first;
    for (int64_t i = 0; i < length; i++) to[i] = values[i] * scale[i] + shift[i];
  }
  if (!given.addend) return;
  const float* const addend = given.addend + at + first;
  for (int64_t i = 0; i < length; i++) to[i] += addend[i];
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

/** An input of real numbers. */
struct Numbers {
  const float* x;

  Numbers From(int64_t i) const { return {x + i}; }
  float DensityOf(int64_t length) const { return Density(x, length); }

  /** Lists the places in [begin, end) at which x is not zero; returns the list's end. */
  int32_t* List(int64_t begin, int64_t end, int32_t* list) const {
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

  /** Adds a row of the filter times the number at k. */
  template <int kVectors>
  void Add(int32_t k, const float* row, Sums<kVectors>* sums) const {
    sums->Add(x[k], row);
  }
};

/** An input of spikes. */
struct Spikes {
  SpikeBits x;

  Spikes From(int64_t i) const { return {x.From(i)}; }
  float DensityOf(int64_t length) const {
    return static_cast<float>(static_cast<double>(CountSpikes(x, length)) / Max(length, 1));
  }
  int32_t* List(int64_t begin, int64_t end, int32_t* list) const {
    return ListSpikes(x, begin, end, 0, list);
  }
  template <int kVectors>
  void Add(int32_t, const float* row, Sums<kVectors>* sums) const {
    sums->Add(row);
  }
};

/** What of the output rows of some images is the same for every strip of filters. */
template <class Input>
struct ForwardRows {
  const SpikeConv& p;
  Input x;
  int64_t images, begin, end;
  /** What the output rows meet of x. */
  int64_t first_row, last_row;
  /**
   * A pass goes over so many rows of the filter, and one of the blocks that each is divided into.
   */
  int64_t taps, block, blocks;
  const ForwardMemory& memory;

  /** What lies under one row of the filter: contiguous in x, as that row is in the filter. */
  Input Under(int64_t image, int64_t row, int64_t column) const {
    return x.From(((image * p.height + row) * p.width + column - p.padding()) * p.channels);
  }
};

/**
 * The part of a filter row that a pass adds up: sums wait in memory while another part is in the
 * cache.
 */
template <class Input>
ForwardRows<Input> Divide(const SpikeConv& p, int64_t images, const Input& x, int64_t begin,
                          int64_t end, const ForwardMemory& memory) {
  const int64_t top = Max(begin - p.padding(), 0), bottom = Min(end + p.padding(), p.height);
  ForwardRows<Input> rows = {p, x,     images, begin, end, top, bottom, p.size, p.size * p.channels,
                             1, memory};
  const int64_t row = p.width * p.channels, filter_row = rows.block;
  float density = 0;
  for (int64_t i = 0; i < images; i++) {
    density += x.From((i * p.height + top) * row).DensityOf((bottom - top) * row) / images;
  }
  if (density * filter_row <= kWorth) return rows;
  const int64_t least =
      Max(static_cast<int64_t>(kWorth / density), kCached / StripWidth(p.filters, 0));
  rows.taps = 1;
  rows.blocks = (filter_row + least - 1) / least;
  rows.block = ((filter_row + rows.blocks - 1) / rows.blocks + 15) / 16 * 16;
  return rows;
}

/** Lists what is not zero, by the blocks of filter rows that it lies under. */
template <class Input>
void ListBlocks(const ForwardRows<Input>& rows) {
  const SpikeConv& p = rows.p;
  int32_t* start = rows.memory.starts;
  int32_t* list = rows.memory.lists;
  const int64_t height = rows.last_row - rows.first_row;
  for (int64_t i = 0; i < rows.images * height; i++) {
    const int64_t image = i / height, row = rows.first_row + i % height;
    for (int64_t column = 0; column < p.width; column++) {
      const int64_t left = Max(0, p.padding() - column) * p.channels;
      const int64_t right = Min(p.size, p.width + p.padding() - column) * p.channels;
      for (int64_t b = 0; b < rows.blocks; b++) {
        *start++ = static_cast<int32_t>(list - rows.memory.lists);
        const int64_t from = Max(left, b * rows.block), to = Min(right, (b + 1) * rows.block);
        list = rows.Under(image, row, column).List(from, to, list);
      }
    }
  }
  *start = static_cast<int32_t>(list - rows.memory.lists);
}

/** The filters from `first` that one strip has. */
template <int kVectors, class Input>
void ForwardStrip(const ForwardRows<Input>& rows, const float* panel, const Finishing& finishing,
                  int64_t first, float* y) {
  constexpr int64_t kWidth = kVectors * kLanes;
  const SpikeConv& p = rows.p;
  const int64_t padding = p.padding(), length = Min(kWidth, p.filters - first);
  const int64_t height = rows.end - rows.begin, list_rows = rows.last_row - rows.first_row;
  const int32_t* const lists = rows.memory.lists;
  for (int64_t tap = 0; tap < p.size; tap += rows.taps) {
    for (int64_t b = 0; b < rows.blocks; b++) {
      const bool begins = tap == 0 && b == 0;
      const bool ends = tap + rows.taps >= p.size && b == rows.blocks - 1;
      int64_t at = 0;
      float* kept = rows.memory.kept;
      for (int64_t r = 0; r < rows.images * height; r++) {
        const int64_t image = r / height, row = rows.begin + r % height;
        const int64_t top = Max(tap, padding - row);
        const int64_t bottom = Min(tap + rows.taps, p.height + padding - row);
        for (int64_t column = 0; column < p.width; column++, at += p.filters, kept += kWidth) {
          Sums<kVectors> sums;
          if (begins)
            sums.Clear();
          else
            sums.Read(kept);
          for (int64_t i = top; i < bottom; i++) {
            const int64_t from = row + i - padding;
            const Input under = rows.Under(image, from, column);
            const float* weights = panel + i * p.size * p.channels * kWidth;
            const int64_t list_row = image * list_rows + from - rows.first_row;
            const int64_t pixel = list_row * p.width + column;
            const int32_t* const at = rows.memory.starts + pixel * rows.blocks + b;
            const int32_t* const end = lists + at[1];
            for (const int32_t* k = lists + at[0]; k < end; k++) {
              under.Add(*k, weights + *k * kWidth, &sums);
            }
          }
          if (ends)
            Finish(sums, finishing, first, length, at, y);
          else
            sums.Write(kept);
        }
      }
    }
  }
}

template <class Input>
void Forward(const SpikeConv& p, int64_t images, const Input& x, const float* panels,
             const Finishing& finishing, float* y, int64_t begin, int64_t end,
             const ForwardMemory& memory) {
  const ForwardRows<Input> rows = Divide(p, images, x, begin, end, memory);
  ListBlocks(rows);
  for (int64_t first = 0; first < p.filters; first += kStrip) {
    const float* panel = panels + first * p.size * p.size * p.channels;
    const bool wide = StripWidth(p.filters, first) == kStrip;
    (wide ? ForwardStrip<kWide, Input> : ForwardStrip<kNarrow, Input>)(rows, panel, finishing,
                                                                       first, y);
  }
}

void ForwardNumbers(const SpikeConv& p, const float* x, const float* panels,
                    const Finishing& finishing, float* y, int64_t begin, int64_t end,
                    const ForwardMemory& memory) {
  Forward(p, 1, Numbers{x}, panels, finishing, y, begin, end, memory);
}

void ForwardSpikes(const SpikeConv& p, int64_t images, const SpikeBits& x, const float* panels,
                   const Finishing& finishing, float* y, int64_t begin, int64_t end,
                   const ForwardMemory& memory) {
  Forward(p, images, Spikes{x}, panels, finishing, y, begin, end, memory);
}

}  // namespace

#define LOOPS_OF(set)                                                          \
  extern const SpikeLoops spike_loops_##set = {kStrip, Density,        Finite, \
                                               Pack,   ForwardNumbers, ForwardSpikes}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
