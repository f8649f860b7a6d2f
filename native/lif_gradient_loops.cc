// Neurons back through time, a vector of them at a time: they are stepped once more, and their
// membranes kept. Compiled once for each INSTRUCTION_SET, without the standard library (see
// lif_loops.cc).
#include "lif_gradient_loops.h"

#include "charge.h"
#include "fired.h"
#include "surrogates.h"

namespace spikingformer {
namespace {

/** A whole vector of neurons. */
struct Whole {
  static constexpr int64_t count = kLanes;
  Vector Load(const float* from) const { return spikingformer::Load(from); }
  void Store(const Vector& vector, float* to) const { spikingformer::Store(vector, to); }
};

/** The last ones, which do not fill a vector: zeros stand for the others. */
struct Some {
  int64_t count;
  Vector Load(const float* from) const {
    Vector vector = {};
    for (int64_t i = 0; i < count; i++) vector[i] = from[i];
    return vector;
  }
  void Store(const Vector& vector, float* to) const {
    for (int64_t i = 0; i < count; i++) to[i] = vector[i];
  }
};

/** Neurons whose x is given as it is. */
struct Plain {
  static constexpr bool kNeedsCharge = false;
  Vector Input(const Vector& x) const { return x; }
  void Add(const Vector& x, const Vector& dx) {}
  void AddCharge(const Vector& product) {}
};

/** The same, whose decay is learnt. */
struct Learnt : Plain {
  static constexpr bool kNeedsCharge = true;
  Vector dk = {};
  void AddCharge(const Vector& product) { dk += product; }
};

/** Neurons behind a norm. */
struct BehindNorm : Plain {
  Vector mean, scale, shift, sum = {}, product = {};
  Vector Input(const Vector& x) const { return (x - mean) * scale + shift; }
  void Add(const Vector& x, const Vector& dx) {
    sum += dx;
    product = MultiplyAdd(dx, x - mean, product);
  }
};

inline Vector AnyCharge(const Neurons& p, const Vector& v, const Vector& x) {
  switch (KindOf(p)) {
    case kKeep: return Charge<kKeep, false>(p, v, x);
    case kLeak: return p.divide ? Charge<kLeak, true>(p, v, x) : Charge<kLeak, false>(p, v, x);
    default: return p.divide ? Charge<kDrive, true>(p, v, x) : Charge<kDrive, false>(p, v, x);
  }
}

inline Vector AnyReset(const Neurons& p, const Vector& h) {
  return p.soft_reset ? Reset<true>(p, h) : Reset<false>(p, h);
}

/**
 * gs = ds + gv rest - gv h (hard), or ds - gv threshold (soft), if the reset is not detached; gh =
 * gs s'(u) + gv (1 - s), or + gv (soft); dx = gh k; gv of the step before = gh - gh k; dk += gh (x
 * - (v - rest)). Without decayInput dx is gh, and x is not in dk; where the neuron keeps a share of
 * v, gv is gh times that. Term by term, as the composed form has it: NaN and infinities come out
 * alike.
 */
template <int kSurrogate, class Lanes, class Around>
inline void Column(const Neurons& p, const GradientBlock& block, int64_t i, const Lanes& lanes,
                   Around& around) {
  float* const charged = block.scratch;
  float* const before = charged + p.time * kLanes;
  const float* const x = block.x + i;
  Vector v = block.v0 ? lanes.Load(block.v0 + i) : All(p.rest);
  for (int64_t t = 0; t < p.time; t++) {
    if (Around::kNeedsCharge) Store(v, before + t * kLanes);
    const Vector h = AnyCharge(p, v, around.Input(lanes.Load(x + t * p.x_stride)));
    Store(h, charged + t * kLanes);
    v = Fired(h, p.threshold).Choose(AnyReset(p, h), h);
  }
  const Vector one = All(1.0f), kept_if_fired = All(p.soft_reset ? 1.0f : 0.0f);
  Vector gv = block.d_v ? lanes.Load(block.d_v + i) : Vector{};
  for (int64_t t = p.time - 1; t >= 0; t--) {
    const int64_t at = t * p.stride + i;
    const Vector h = Load(charged + t * kLanes), u = h - p.threshold;
    Vector gs = lanes.Load(block.d_spikes + at);
    if (!p.detach_reset) {
      if (p.soft_reset) {
        gs -= gv * p.threshold;
      } else {
        gs += gv * p.rest - gv * h;
      }
    }
    Vector passed = gs * SurrogateGradient<kSurrogate>(u, p.alpha);
    if (kSurrogate == kPiecewiseQuadratic) {
      passed = (Vector)((Bits)passed & ~(Bits)(Abs(u) > 1.0f / p.alpha));
    }
    const Vector gh = passed + gv * Fired(h, p.threshold).Choose(kept_if_fired, one);
    const Vector part = gh * p.share, taken = lanes.Load(x + t * p.x_stride);
    const bool drives = KindOf(p) == kDrive;
    const Vector dx = drives ? part : gh;
    lanes.Store(dx, block.dx + at);
    around.Add(taken, dx);
    gv = KindOf(p) == kKeep ? part : gh - part;
    if (Around::kNeedsCharge) {
      const Vector low = p.rest - Load(before + t * kLanes);
      around.AddCharge(gh * (drives ? taken + low : low));
    }
  }
  if (block.dv0) lanes.Store(gv, block.dv0 + i);
}

template <int kSurrogate, class Around>
double Gradient(const Neurons& given, const GradientBlock& block, int64_t length) {
  const Neurons p = given;  // which no store to memory can change
  double sum = 0;
  const auto column = [&](int64_t i, const auto& lanes) {
    Around around;
    Column<kSurrogate>(p, block, i, lanes, around);
    if constexpr (Around::kNeedsCharge) {
      for (int64_t j = 0; j < lanes.count; j++) sum += around.dk[j];
    }
  };
  int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) column(i, Whole{});
  if (i < length) column(i, Some{length - i});
  return sum;
}

template <int kSurrogate>
void GradientBehindNorm(const Neurons& given, const Channels& channels, const GradientBlock& block,
                        int64_t rows, float* sums, float* products) {
  const Neurons p = given;  // which no store to memory can change
  for (int64_t row = 0; row < rows; row++) {
    const auto column = [&](int64_t c, const auto& lanes) {
      BehindNorm norm;
      norm.mean = lanes.Load(channels.mean + c);
      norm.scale = lanes.Load(channels.scale + c);
      norm.shift = lanes.Load(channels.shift + c);
      Column<kSurrogate>(p, block, row * channels.count + c, lanes, norm);
      lanes.Store(lanes.Load(sums + c) + norm.sum, sums + c);
      lanes.Store(lanes.Load(products + c) + norm.product, products + c);
    };
    int64_t c = 0;
    for (; c + kLanes <= channels.count; c += kLanes) column(c, Whole{});
    if (c < channels.count) column(c, Some{channels.count - c});
  }
}

template <int kSurrogate>
double EitherGradient(const Neurons& p, const GradientBlock& block, int64_t length, bool with_dk) {
  return with_dk ? Gradient<kSurrogate, Learnt>(p, block, length)
                 : Gradient<kSurrogate, Plain>(p, block, length);
}

/** Calls a template's instance for the neurons' surrogate. */
#define CALL(F, p, ...)                                                      \
  switch ((p).surrogate) {                                                   \
    case kSigmoid: return F<kSigmoid>(p, __VA_ARGS__);                       \
    case kAtan: return F<kAtan>(p, __VA_ARGS__);                             \
    case kPiecewiseQuadratic: return F<kPiecewiseQuadratic>(p, __VA_ARGS__); \
    case kPiecewiseExp: return F<kPiecewiseExp>(p, __VA_ARGS__);             \
    case kSoftSign: return F<kSoftSign>(p, __VA_ARGS__);                     \
    default: return F<kErf>(p, __VA_ARGS__);                                 \
  }

double RunGradient(const Neurons& p, const GradientBlock& block, int64_t length, bool with_dk) {
  CALL(EitherGradient, p, block, length, with_dk)
}

void RunBehindNorm(const Neurons& p, const Channels& channels, const GradientBlock& block,
                   int64_t rows, float* sums, float* products) {
  CALL(GradientBehindNorm, p, channels, block, rows, sums, products)
}

}  // namespace

#define LOOPS_OF(set) \
  extern const LifGradientLoops lif_gradient_loops_##set = {RunGradient, RunBehindNorm}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
