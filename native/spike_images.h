// What the ops of convolutions that skip zeros share: how they see their input, and memory for
// their loops.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "op.h"
#include "spike_loops.h"

namespace spikingformer {

struct AlignedDelete {
  void operator()(void* memory) const { ::operator delete(memory, kAlignment); }
  /** A cache line: a vector across two takes twice as long to load. */
  static constexpr std::align_val_t kAlignment{64};
};

enum Purpose {
  kPanels,
  kStarts,
  kLists,
  kKept,
  kPlaces,
  kValues,
  kEnds,
  kEntries,
  kPanel,
  kWords,
  kTransformed,
  kProducts,
  kOutside,
  kMap,
  kImage,
  kShares
};

/** Memory that a thread keeps for its next loop; what is in it is undefined. */
template <class T, Purpose kPurpose>
T* Scratch(int64_t length) {
  thread_local std::unique_ptr<T, AlignedDelete> memory;
  thread_local int64_t capacity = 0;
  if (length > capacity) {
    memory.reset();
    memory.reset(static_cast<T*>(::operator new(length * sizeof(T), AlignedDelete::kAlignment)));
    capacity = length;
  }
  return memory.get();
}

/** For the loops' forward pass over so many output rows of each image. */
inline ForwardMemory ForwardScratch(const SpikeConv& p, int64_t rows, int64_t strip,
                                    int64_t images = 1) {
  return {Scratch<int32_t, kStarts>(images * ForwardStarts(p, rows)),
          Scratch<int32_t, kLists>(images * ForwardLists(p, rows)),
          Scratch<float, kKept>(images * ForwardKept(p, rows, strip))};
}

/** An input of an op: numbers, or spikes as bits. */
struct SpikeInput {
  std::vector<int64_t> shape;
  int64_t length = 0;
  const float* numbers = nullptr;   // null: it came as bits
  const uint32_t* words = nullptr;  // null: it has not been packed, or has others than spikes

  /** Packs numbers that are spikes, in memory of this thread. */
  void Pack();
  /** About which share is not zero. */
  float Density() const;
};

/** The attributes of an op with such an input: its type, and the shape that bits do not tell. */
constexpr char kSpikeType[] = "X: {float, int32}", kSpikeShape[] = "shape: list(int)";

/** An input of the type `X`; `shape` is that of spikes as bits. */
SpikeInput ReadSpikes(Call& call, int i, const std::vector<int64_t>& shape);

/** x as images: [..., height, width, channels], or, for size 1, the rows [..., channels]. */
struct Images {
  SpikeConv conv = {};
  int64_t count = 0;
};

Images AsImages(const std::vector<int64_t>& shape, int64_t channels, int64_t filters, int64_t size);

/** x and a filter, a call's input 1, as images; fails if they do not fit each other. */
Images ReadImages(Call& call, const SpikeInput& x);

inline const float* Numbers(const TF_Tensor* tensor) {
  return static_cast<const float*>(TF_TensorData(tensor));
}

/**
 * Whether the other factor of a product may be left out if x is 0: infinity and NaN times 0 are
 * NaN.
 */
bool AllFinite(const float* x, int64_t length);

/** About which share of x is not zero. */
float DensityOf(const float* x, int64_t length);

/** How many filters the loops sum together. */
int64_t FilterStrip();

/** The filter's strips one after the other, in memory of this thread. */
const float* PackFilter(const SpikeConv& conv, const float* filter);

}  // namespace spikingformer
