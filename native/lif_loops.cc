// Charge, fire, reset, and the same back through time, over one block of neurons. Plain loops that
// the compiler vectorizes; compiled once for each INSTRUCTION_SET. Every operation of the forward
// loop is rounded as the composed form rounds it (lib/kernels/multi_step_lif.ts): compile with
// -ffp-contract=off.
//
// No standard library in here: an inline function of its would be compiled for AVX-512, and the
// linker might pick that copy for all of the addon.
#include "lif_loops.h"

#include "fired.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** How the membrane is charged. */
enum ChargeKind {
  kDrive,  // h = v + (x - (v - rest)) / tau
  kLeak,   // h = v - (v - rest) / tau + x
  kKeep,   // h = v share + x
};

/** Of a number or of a vector of them, as is the next. */
template <ChargeKind kKind, bool kDivide, class T>
inline T Charge(const Neurons& p, T v, T x) {
  if (kKind == kKeep) return v * p.gain + x;
  const T above = v - p.rest;
  const T y = kKind == kDrive ? x - above : above;
  const T part = kDivide ? y / p.gain : y * p.gain;
  return kKind == kDrive ? v + part : (v - part) + x;
}

/** The membrane after it has fired: an infinite one leaves NaN, as h (1 - s) + rest s does. */
template <bool kSoft, class T>
inline T Reset(const Neurons& p, T h) {
  return kSoft ? h - p.threshold : (h - h) + p.rest;
}

/** Calls write(t, first neuron, vector's number, those that fire) for whole words of neurons. */
template <ChargeKind kKind, bool kDivide, bool kSoft, class Write>
inline void StepVectors(const Neurons& p, const ForwardBlock& block, int64_t length,
                        const Write& write) {
  for (int64_t i = 0; i < length; i += kTogether) {
    Vector v[kVectors];
    for (int j = 0; j < kVectors; j++) {
      v[j] = block.v0 ? Load(block.v0 + i + j * kLanes) : Vector{} + p.rest;
    }
    for (int64_t t = 0; t < p.time; t++) {
      const float* const x = block.x + t * p.x_stride + i;
      for (int j = 0; j < kVectors; j++) {
        const Vector h = Charge<kKind, kDivide>(p, v[j], Load(x + j * kLanes));
        write(t, i, j, Fired(h, Reset<kSoft>(p, h), p.threshold, &v[j]));
      }
    }
    if (!block.v) continue;
    for (int j = 0; j < kVectors; j++) Store(v[j], block.v + i + j * kLanes);
  }
}

/** The neurons from `first` on, one by one. */
template <ChargeKind kKind, bool kDivide, bool kSoft>
void StepRest(const Neurons& p, const ForwardBlock& block, int64_t first, int64_t length) {
  for (int64_t i = first; i < length; i++) {
    float v = block.v0 ? block.v0[i] : p.rest;
    for (int64_t t = 0; t < p.time; t++) {
      const float h = Charge<kKind, kDivide>(p, v, block.x[t * p.x_stride + i]);
      const float reset = Reset<kSoft>(p, h);
      block.spikes[t * p.stride + i] = h >= p.threshold ? 1.0f : 0.0f;
      v = h >= p.threshold ? reset : h;
    }
    if (block.v) block.v[i] = v;
  }
}

template <ChargeKind kKind, bool kDivide, bool kSoft>
void Forward(const Neurons& p, const ForwardBlock& block, int64_t length) {
  const int64_t whole = length / kTogether * kTogether;
  StepVectors<kKind, kDivide, kSoft>(
      p, block, whole, [&](int64_t t, int64_t i, int j, const Fired& fired) {
        Store(fired.Numbers(), block.spikes + t * p.stride + i + j * kLanes);
      });
  StepRest<kKind, kDivide, kSoft>(p, block, whole, length);
}

template <ChargeKind kKind, bool kDivide, bool kSoft>
int64_t ForwardBits(const Neurons& p, const ForwardBlock& block, int64_t length, uint32_t* words) {
  int64_t count = 0;
  uint32_t bits = 0;
  StepVectors<kKind, kDivide, kSoft>(
      p, block, length, [&](int64_t t, int64_t i, int j, const Fired& fired) {
        bits = j == 0 ? fired.Bits() : bits | fired.Bits() << (j * kLanes);
        if (j < kVectors - 1) return;
        words[(t * p.stride + i) / kTogether] = bits;
        count += __builtin_popcount(bits);
      });
  return count;
}

/** The membranes before (`v`) and after (`h`) each charge, [time, length]; v has a row more. */
template <ChargeKind kKind, bool kDivide, bool kSoft>
void Unroll(const Neurons& p, const GradientBlock& block, float* RESTRICT v, float* RESTRICT h,
            int64_t length) {
  for (int64_t i = 0; i < length; i++) v[i] = block.v0 ? block.v0[i] : p.rest;
  for (int64_t t = 0; t < p.time; t++, v += length, h += length) {
    const float* RESTRICT x = block.x + t * p.x_stride;
    for (int64_t i = 0; i < length; i++) {
      const float charged = Charge<kKind, kDivide>(p, v[i], x[i]);
      const float reset = Reset<kSoft>(p, charged);
      h[i] = charged;
      v[i + length] = charged >= p.threshold ? reset : charged;
    }
  }
}

inline float Abs(float x) { return __builtin_fabsf(x); }

/**
 * exp(x) for x <= 0, to 2 units in the last place; 0 below -87; NaN of NaN. After Cephes' expf, by
 * S. Moshier.
 */
inline float ExpOfNegative(float x) {
  // 1.5 * 2^23: adding it rounds to an integer n, which the low bits then are; here n + 127.
  constexpr float kRound = 12582912.0f + 127.0f;
  const float clamped = x < -87.0f ? -87.0f : x;
  const float shifted = clamped * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = (y * r) * r + r + 1.0f;
  uint32_t bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits <<= 23;
  float power;  // 2^n
  __builtin_memcpy(&power, &bits, sizeof power);
  return x < -87.0f ? 0.0f : y * power;
}

/** The formulas of lib/kernels/surrogate.ts. */
template <int kSurrogate>
inline float SurrogateGradient(float u, float alpha) {
  constexpr float kHalfPi = 1.57079633f, kInverseRootPi = 0.564189584f;
  if (kSurrogate == kSigmoid) {
    const float e = ExpOfNegative(-Abs(alpha * u));
    return (alpha * e) / ((1.0f + e) * (1.0f + e));
  }
  if (kSurrogate == kAtan) {
    const float z = kHalfPi * alpha * u;
    return (0.5f * alpha) / (1.0f + z * z);
  }
  if (kSurrogate == kPiecewiseQuadratic) return alpha - alpha * alpha * Abs(u);
  if (kSurrogate == kPiecewiseExp) return 0.5f * alpha * ExpOfNegative(-alpha * Abs(u));
  if (kSurrogate == kSoftSign) {
    const float z = 1.0f / alpha + Abs(u);
    return 1.0f / (2.0f * alpha * z * z);
  }
  const float z = alpha * u;
  return kInverseRootPi * alpha * ExpOfNegative(-z * z);
}

/** What the spike in the reset passes back: nothing where it is detached. */
enum ThroughReset { kDetached, kHard, kSoft };

/**
 * gs = ds + gv rest - gv h (hard), or ds - gv threshold (soft); gh = gs s'(u) + gv (1 - s), or +
 * gv; dx = gh k; gv of the step before = gh - gh k; dk += gh (x - (v - rest)). Without decayInput
 * dx is gh, and x is not in dk; where the neuron keeps a share of v, gv is gh times that. Term by
 * term, as the composed form has it: NaN and infinities come out alike. How it is charged is a
 * parameter of the template, since a choice in the loop keeps it from being vectorized.
 */
template <int kSurrogate, ChargeKind kKind, ThroughReset kReset, bool kWithDk>
void Backward(const Neurons& p, const float* RESTRICT x, const float* RESTRICT d_spikes,
              const float* RESTRICT v, const float* RESTRICT h, float* RESTRICT gv,
              float* RESTRICT dk, float* RESTRICT dx, int64_t length) {
  // Copies, since a load that only some neurons need would keep the loop from being vectorized.
  const float threshold = p.threshold, rest = p.rest, alpha = p.alpha, share = p.share;
  const float kept_if_fired = p.soft_reset ? 1.0f : 0.0f;
  const float reach = kSurrogate == kPiecewiseQuadratic ? 1.0f / alpha : 0.0f;
  for (int64_t i = 0; i < length; i++) {
    float gs = d_spikes[i];
    if (kReset == kHard) gs += gv[i] * rest - gv[i] * h[i];
    if (kReset == kSoft) gs -= gv[i] * threshold;
    const float u = h[i] - threshold;
    float passed = gs * SurrogateGradient<kSurrogate>(u, alpha);
    if (kSurrogate == kPiecewiseQuadratic) passed = Abs(u) > reach ? 0.0f : passed;
    const float gh = passed + gv[i] * (h[i] >= threshold ? kept_if_fired : 1.0f);
    const float part = gh * share;
    dx[i] = kKind == kDrive ? part : gh;
    gv[i] = kKind == kKeep ? part : gh - part;
    if (kWithDk) dk[i] += gh * (kKind == kDrive ? x[i] - (v[i] - rest) : rest - v[i]);
  }
}

template <int kSurrogate, ChargeKind kKind>
auto PickBackward(const Neurons& p, bool with_dk) {
  const ThroughReset reset = p.detach_reset ? kDetached : p.soft_reset ? kSoft : kHard;
  switch (reset * 2 + with_dk) {
    case 0: return Backward<kSurrogate, kKind, kDetached, false>;
    case 1: return Backward<kSurrogate, kKind, kDetached, true>;
    case 2: return Backward<kSurrogate, kKind, kHard, false>;
    case 3: return Backward<kSurrogate, kKind, kHard, true>;
    case 4: return Backward<kSurrogate, kKind, kSoft, false>;
    default: return Backward<kSurrogate, kKind, kSoft, true>;
  }
}

template <int kSurrogate>
auto PickBackward(const Neurons& p, bool with_dk) {
  if (p.keeps) return PickBackward<kSurrogate, kKeep>(p, with_dk);
  return p.decay_input ? PickBackward<kSurrogate, kDrive>(p, with_dk)
                       : PickBackward<kSurrogate, kLeak>(p, with_dk);
}

auto PickBackward(const Neurons& p, bool with_dk) {
  switch (p.surrogate) {
    case kSigmoid: return PickBackward<kSigmoid>(p, with_dk);
    case kAtan: return PickBackward<kAtan>(p, with_dk);
    case kPiecewiseQuadratic: return PickBackward<kPiecewiseQuadratic>(p, with_dk);
    case kPiecewiseExp: return PickBackward<kPiecewiseExp>(p, with_dk);
    case kSoftSign: return PickBackward<kSoftSign>(p, with_dk);
    default: return PickBackward<kErf>(p, with_dk);
  }
}

/** Calls one of a template's instances; a soft reset without decay_input keeps a share. */
#define CALL(F, p, ...)                                               \
  if ((p).keeps) {                                                    \
    if ((p).soft_reset) return F<kKeep, false, true>(p, __VA_ARGS__); \
    return F<kKeep, false, false>(p, __VA_ARGS__);                    \
  }                                                                   \
  if (!(p).decay_input) {                                             \
    if ((p).divide) return F<kLeak, true, false>(p, __VA_ARGS__);     \
    return F<kLeak, false, false>(p, __VA_ARGS__);                    \
  }                                                                   \
  switch ((p).divide * 2 + (p).soft_reset) {                          \
    case 0: return F<kDrive, false, false>(p, __VA_ARGS__);           \
    case 1: return F<kDrive, false, true>(p, __VA_ARGS__);            \
    case 2: return F<kDrive, true, false>(p, __VA_ARGS__);            \
    default: return F<kDrive, true, true>(p, __VA_ARGS__);            \
  }

void RunForward(const Neurons& p, const ForwardBlock& block,
                int64_t length){CALL(Forward, p, block, length)}

int64_t
    RunForwardBits(const Neurons& p, const ForwardBlock& block, int64_t length, uint32_t* words) {
  CALL(ForwardBits, p, block, length, words)
}

void RunUnroll(const Neurons& p, const GradientBlock& block, float* v, float* h, int64_t length) {
  CALL(Unroll, p, block, v, h, length)
}

double RunGradient(const Neurons& p, const GradientBlock& block, int64_t length, bool with_dk) {
  float* const h = block.scratch;
  float* const dk = h + p.time * length;
  float* const v = dk + length;
  RunUnroll(p, block, v, h, length);

  // The last row of v, the membranes after all steps, has served: gv takes its place.
  float* const gv = v + p.time * length;
  for (int64_t i = 0; i < length; i++) {
    gv[i] = block.d_v ? block.d_v[i] : 0.0f;
    dk[i] = 0.0f;
  }
  const auto backward = PickBackward(p, with_dk);
  for (int64_t t = p.time - 1; t >= 0; t--) {
    const int64_t at = t * p.stride, row = t * length;
    backward(p, block.x + t * p.x_stride, block.d_spikes + at, v + row, h + row, gv, dk,
             block.dx + at, length);
  }
  if (block.dv0) {
    for (int64_t i = 0; i < length; i++) block.dv0[i] = gv[i];
  }
  double sum = 0;
  if (with_dk) {
    for (int64_t i = 0; i < length; i++) sum += dk[i];
  }
  return sum;
}

}  // namespace

#define LOOPS_OF(set) \
  extern const LifLoops lif_loops_##set = {RunForward, RunForwardBits, RunGradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
