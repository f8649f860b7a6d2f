// The op SpikingformerWinogradInputGrad: the gradient of the input of a 3x3 convolution, of stride
// 1 and padding 'same', by Winograd's algorithm.
#include <algorithm>
#include <atomic>
#include <vector>

#include "ops.h"
#include "spike_images.h"
#include "thread_pool.h"
#include "winograd_loops.h"

namespace spikingformer {
namespace {

const Variants<WinogradLoops> kLoops = VARIANTS(winograd_loops);

/** A block's transformed tiles are to stay in the L2 cache, unless they would be too few. */
constexpr int64_t kBlockBytes = 1400 << 10;
constexpr int64_t kLeastTiles = 28, kMostTiles = 112;

int64_t PanelLength(const Winograd& p, const WinogradLoops& loops) {
  return kPoints * PanelStep(p, loops.lanes, loops.panel);
}

int64_t Panels(const Winograd& p, const WinogradLoops& loops) {
  return (p.channels + loops.panel - 1) / loops.panel;
}

/** The transformed filter, in panels. */
void PackPanels(const Winograd& p, const WinogradLoops& loops, const float* filter, float* packed) {
  const int64_t panels = Panels(p, loops);
  const int64_t strips = Depth(p, loops.lanes) / loops.lanes;
  const int64_t length = PanelLength(p, loops);
  ParallelFor(panels * strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      loops.pack(p, filter, i / strips * loops.panel, i % strips * loops.lanes,
                 packed + i / strips * length);
    }
  });
}

/** Tiles of a block: as many blocks for each thread. */
int64_t BlockTiles(const Winograd& p, const WinogradLoops& loops, int64_t tiles) {
  const int64_t bytes = kPoints * (Depth(p, loops.lanes) + loops.panel) * sizeof(float);
  const int64_t most = std::clamp(kBlockBytes / bytes, kLeastTiles, kMostTiles);
  const int64_t rounds = (tiles + most * Threads() - 1) / (most * Threads());
  return (tiles + rounds * Threads() - 1) / (rounds * Threads());
}

/** Returns whether dx is finite. */
bool InputGradient(const Winograd& p, int64_t images, const float* dy, const float* panels,
                   float* dx) {
  const WinogradLoops& loops = Best(kLoops);
  const int64_t tiles = images * p.ImageTiles(), depth = Depth(p, loops.lanes);
  const int64_t block = BlockTiles(p, loops, tiles);
  std::atomic<bool> finite{true};
  ParallelFor(tiles, block, [&](int64_t begin, int64_t end) {
    const WinogradMemory memory = {Scratch<float, kTransformed>(kPoints * depth * (block + 1)),
                                   Scratch<float, kProducts>(kPoints * loops.panel * block),
                                   Scratch<float, kOutside>(depth)};
    for (int64_t i = begin; i < end; i += block) {
      const bool all = loops.multiply(p, dy, panels, dx, i, std::min(i + block, end), memory);
      if (!all) finite = false;
    }
  });
  return finite;
}

void* Create(TF_OpKernelConstruction*) { return nullptr; }

void Delete(void*) {}

/** The second output is empty, or one number if dx is not finite: direct sums then show where. */
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  TF_Tensor* const dy = call.Input(0);
  TF_Tensor* const filter = call.Input(1);
  if (!call.ok()) return;
  std::vector<int64_t> shape = Shape(dy);
  const std::vector<int64_t> taps = Shape(filter);
  if (shape.size() < 3 || taps.size() != 4 || taps[0] != 3 || taps[1] != 3 ||
      taps[3] != shape.back()) {
    return call.Fail(
        "dy must be [..., height, width, filters], and filter [3, 3, channels, filters]");
  }
  const Images images = AsImages(shape, taps[2], taps[3], 3);
  const Winograd p = {images.conv.height, images.conv.width, taps[2], taps[3]};
  shape.back() = p.channels;
  float* const dx = call.Output(0, shape);
  if (!call.ok()) return;
  // Megabytes: not for a thread to keep.
  const WinogradLoops& loops = Best(kLoops);
  const int64_t packed = Panels(p, loops) * PanelLength(p, loops);
  auto* const panels = static_cast<float*>(call.Temporary(packed * sizeof(float)));
  if (!call.ok()) return;
  const bool empty = images.count * p.height * p.width * p.channels == 0;
  if (!empty) PackPanels(p, loops, Numbers(filter), panels);
  const bool finite = empty || InputGradient(p, images.count, Numbers(dy), panels, dx);
  int32_t* const bad = call.Integers(1, finite ? 0 : 1);
  if (call.ok() && !finite) *bad = 1;
}

}  // namespace

void RegisterWinograd(const Status& status) {
  Register({"SpikingformerWinogradInputGrad",
            {"dy: float", "filter: float"},
            {"dx: float", "infinite: int32"},
            {}},
           Create, Compute, Delete, status);
}

}  // namespace spikingformer
