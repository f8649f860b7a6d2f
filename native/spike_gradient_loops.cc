// The gradient of the filter of a convolution whose input is mostly zero: what is not zero is
// listed by channel, and only that is multiplied. Compiled once for each INSTRUCTION_SET, without
// the standard library (see lif_loops.cc).
#include "spike_gradient_loops.h"

#include "spike_lists.h"
#include "spike_sums.h"

namespace spikingformer {
namespace {

/** An input of real numbers. */
struct Numbers {
  const float* x;

  Numbers From(int64_t i) const { return {x + i}; }

  /**
   * Appends what is not zero of a pixel's channels: the pixel's place and the channel, and its
   * value.
   */
  int64_t ListPixel(int64_t channels, int32_t place, int64_t n,
                    const GradientMemory& memory) const {
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

  static float Listed(const GradientMemory& memory, int64_t i) { return memory.values[i]; }
  template <int kVectors>
  static void Add(const Entry& entry, const float* row, Sums<kVectors>* sums) {
    sums->Add(entry.value, row);
  }
};

/** An input of spikes, whose values are all 1. */
struct Spikes {
  SpikeBits x;

  Spikes From(int64_t i) const { return {x.From(i)}; }
  int64_t ListPixel(int64_t channels, int32_t place, int64_t n,
                    const GradientMemory& memory) const {
    return ListSpikes(x, 0, channels, place, memory.places + n) - memory.places;
  }
  static float Listed(const GradientMemory&, int64_t) { return 1.0f; }
  template <int kVectors>
  static void Add(const Entry&, const float* row, Sums<kVectors>* sums) {
    sums->Add(row);
  }
};

/**
 * Lists what is not zero of the block's channels [begin, end) by channel; `ends`: where each list
 * ends.
 */
template <class Input>
void ListChannels(const SpikeConv& p, const Input& x, const PixelBlock& block, int64_t begin,
                  int64_t end, int64_t capacity, const GradientMemory& memory) {
  const int64_t padding = p.padding(), bordered = p.width + 2 * padding;
  int64_t n = 0;
  for (int64_t b = 0; b < block.images; b++) {
    int64_t from = b * p.height * p.width * p.channels + begin;
    for (int64_t r = 0; r < block.rows; r++) {
      const int64_t at = (b * (block.rows + 2 * padding) + r) * bordered;
      for (int64_t w = 0; w < p.width; w++, from += p.channels) {
        const int32_t place = static_cast<int32_t>(at + w) * kGradientChannels;
        n = x.From(from).ListPixel(end - begin, place, n, memory);
      }
    }
  }
  for (int64_t c = 0; c < end - begin; c++) memory.ends[c] = static_cast<int32_t>(c * capacity);
  for (int64_t i = 0; i < n; i++) {
    const uint32_t place = memory.places[i];
    const int32_t at = place / kGradientChannels;
    memory.entries[memory.ends[place % kGradientChannels]++] = {at, Input::Listed(memory, i)};
  }
}

/**
 * `rows` rows of a strip from dy's filter `first` on, one after the other. Returns zeros, or NaN if
 * one of the numbers is not finite.
 */
template <int kVectors>
Vector PackRows(const float* dy, int64_t rows, int64_t filters, int64_t first, float* to) {
  constexpr int64_t kWidth = kVectors * kLanes;
  Vector zeros = {};
  if (filters - first < kWidth) {
    PackColumns(dy, rows, filters, first, kWidth, to);
    for (int64_t i = 0; i < rows * kWidth; i += kLanes) zeros += Load(to + i) * 0.0f;
    return zeros;
  }
  const float* from = dy + first;
  for (int64_t row = 0; row < rows; row++, from += filters, to += kWidth) {
    for (int i = 0; i < kVectors; i++) {
      const Vector x = Load(from + i * kLanes);
      zeros += x * 0.0f;
      Store(x, to + i * kLanes);
    }
  }
  return zeros;
}

/**
 * The strip of dy that a block's filter rows meet, with padding around each image. Returns what
 * PackRows does.
 */
template <int kVectors>
Vector PackPanel(const SpikeConv& p, const float* dy, const PixelBlock& block, int64_t row0,
                 int64_t first, float* panel) {
  constexpr int64_t width = kVectors * kLanes;
  Vector zeros = {};
  const int64_t padding = p.padding(), bordered = p.width + 2 * padding;
  const int64_t image = p.height * p.width * p.filters;
  for (int64_t b = 0; b < block.images; b++, dy += image) {
    for (int64_t r = 0; r < block.rows + 2 * padding; r++, panel += bordered * width) {
      const int64_t row = row0 + r - padding;
      const bool inside = row >= 0 && row < p.height;
      const int64_t left = inside ? padding * width : bordered * width;
      for (int64_t i = 0; i < left; i++) panel[i] = 0.0f;
      if (!inside) continue;
      zeros += PackRows<kVectors>(dy + row * p.width * p.filters, p.width, p.filters, first,
                                  panel + left);
      for (int64_t i = left + p.width * width; i < bordered * width; i++) panel[i] = 0.0f;
    }
  }
  return zeros;
}

/**
 * to[i] (=, or +=) the sums of the rows in a list, each times its value, for kTaps strips side by
 * side.
 */
template <class Input, int kTaps, int kVectors>
inline void SumListed(const Entry* list, const Entry* end, const float* rows, bool add,
                      int64_t length, float* const* to) {
  constexpr int64_t kWidth = kVectors * kLanes;
  Sums<kTaps * kVectors> sums;
  sums.Clear();
  for (; list < end; list++) Input::Add(*list, rows + list->at * kWidth, &sums);
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
template <class Input, int kVectors>
void GradientStrip(const SpikeConv& p, bool add, const FilterPart& part, int64_t first,
                   int64_t capacity, const GradientMemory& memory, float* dw) {
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
          SumListed<Input, 3, kNarrow>(list, stop, rows + (p.size - j) * kWidth, add, length,
                                       three);
        }
      }
      for (; j >= 1; j--) {
        float* const one[] = {column(j - 1)};
        SumListed<Input, 1, kVectors>(list, stop, rows + (p.size - j) * kWidth, add, length, one);
      }
    }
  }
}

template <class Input>
bool FilterGradient(const SpikeConv& p, int64_t images, const PixelBlock& most, const Input& x,
                    const float* dy, float* dw, const FilterPart& part,
                    const GradientMemory& memory) {
  const int64_t capacity = GradientCapacity(p, most);
  Vector zeros = {};
  for (int64_t number = part.from; number < part.to; number++) {
    const auto [image, row, block] = BlockAt(p, images, most, number);
    const int64_t pixel = (image * p.height + row) * p.width;
    ListChannels(p, x.From(pixel * p.channels), block, part.begin, part.end, capacity, memory);
    const float* const dy0 = dy + image * p.height * p.width * p.filters;
    for (int64_t first = part.first; first < part.last;) {
      // Three columns of a filter are as many sums as one wide strip.
      const bool wide = p.size == 1 && StripWidth(part.last, first) == kStrip;
      zeros +=
          (wide ? PackPanel<kWide> : PackPanel<kNarrow>)(p, dy0, block, row, first, memory.panel);
      (wide ? GradientStrip<Input, kWide> : GradientStrip<Input, kNarrow>)(p, number > part.from,
                                                                           part, first, capacity,
                                                                           memory, dw);
      first += wide ? kStrip : kNarrowStrip;
    }
  }
  return AllZero(zeros);
}

bool OfNumbers(const SpikeConv& p, int64_t images, const PixelBlock& block, const float* x,
               const float* dy, float* dw, const FilterPart& part, const GradientMemory& memory) {
  return FilterGradient(p, images, block, Numbers{x}, dy, dw, part, memory);
}

bool OfSpikes(const SpikeConv& p, int64_t images, const PixelBlock& block, const SpikeBits& x,
              const float* dy, float* dw, const FilterPart& part, const GradientMemory& memory) {
  return FilterGradient(p, images, block, Spikes{x}, dy, dw, part, memory);
}

}  // namespace

#define LOOPS_OF(set) \
  extern const SpikeGradientLoops spike_gradient_loops_##set = {OfNumbers, OfSpikes}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
