// Charge, fire, reset, and the same back through time, over one block of neurons. Plain loops that the
// compiler vectorises; compiled once for each INSTRUCTION_SET. Every operation of the forward loop is
// rounded as the composed form rounds it (lib/kernels/composed/multi_step_lif.ts): compile with
// -ffp-contract=off.
//
// No standard library in here: an inline function of its would be compiled for AVX-512, and the linker
// might pick that copy for all of the addon.
#include "lif_loops.h"

#include "vectors.h"

#define RESTRICT __restrict__

namespace spikingformer {
namespace {

/** h = v + (x - (v - rest)) / tau, or h = v - (v - rest) / tau + x. */
template <bool kDecayInput, bool kDivide>
inline float Charge(const Neurons& p, float v, float x) {
  const float above = v - p.rest;
  const float y = kDecayInput ? x - above : above;
  const float part = kDivide ? y / p.gain : y * p.gain;
  return kDecayInput ? v + part : (v - part) + x;
}

template <bool kDecayInput, bool kDivide, bool kSoft>
void Forward(const Neurons& p, const ForwardBlock& block, int64_t length) {
  float* RESTRICT v = block.v;
  for (int64_t i = 0; i < length; i++) v[i] = block.v0 ? block.v0[i] : p.rest;
  for (int64_t t = 0; t < p.time; t++) {
    const float* RESTRICT x = block.x + t * p.x_stride;
    float* const out = block.spikes + t * p.stride;
    float* RESTRICT spikes = block.row ? block.row : out;
    for (int64_t i = 0; i < length; i++) {
      const float h = Charge<kDecayInput, kDivide>(p, v[i], x[i]);
      const float reset = kSoft ? h - p.threshold : p.rest;
      spikes[i] = h >= p.threshold ? 1.0f : 0.0f;
      v[i] = h >= p.threshold ? reset : h;
    }
    if (block.row) StreamAll(spikes, length, out);
  }
}

/** The membranes before (`v`) and after (`h`) each charge, [time, length]; v has a row more. */
template <bool kDecayInput, bool kDivide, bool kSoft>
void Unroll(const Neurons& p, const GradientBlock& block, float* RESTRICT v, float* RESTRICT h,
            int64_t length) {
  for (int64_t i = 0; i < length; i++) v[i] = block.v0 ? block.v0[i] : p.rest;
  for (int64_t t = 0; t < p.time; t++, v += length, h += length) {
    const float* RESTRICT x = block.x + t * p.x_stride;
    for (int64_t i = 0; i < length; i++) {
      const float charged = Charge<kDecayInput, kDivide>(p, v[i], x[i]);
      const float reset = kSoft ? charged - p.threshold : p.rest;
      h[i] = charged;
      v[i + length] = charged >= p.threshold ? reset : charged;
    }
  }
}

inline float Abs(float x) { return __builtin_fabsf(x); }

/** exp(x) for x <= 0, to 2 units in the last place; 0 below -87. After Cephes' expf (S. Moshier). */
inline float ExpOfNegative(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float clamped = x > -87.0f ? x : -87.0f;
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
  int32_t bits, exponent;
  __builtin_memcpy(&bits, &y, sizeof bits);
  __builtin_memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;  // y 2^n
  float scaled;
  __builtin_memcpy(&scaled, &bits, sizeof scaled);
  return x > -87.0f ? scaled : 0.0f;
}

/** The formulas of lib/surrogate.ts. */
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
  if (kSurrogate == kPiecewiseQuadratic) {
    const float y = alpha - alpha * alpha * Abs(u);
    return y > 0.0f ? y : 0.0f;
  }
  if (kSurrogate == kPiecewiseExp) return 0.5f * alpha * ExpOfNegative(-alpha * Abs(u));
  if (kSurrogate == kSoftSign) {
    const float z = 1.0f / alpha + Abs(u);
    return 1.0f / (2.0f * alpha * z * z);
  }
  const float z = alpha * u;
  return kInverseRootPi * alpha * ExpOfNegative(-z * z);
}

/** Of the gradient loop: what `Backward` is compiled anew for. */
struct Slopes {
  float kept_if_fired;  // dv/dh of the reset where it fired: 0 (hard) or 1 (soft); 1 elsewhere
  float fixed, per_h;   // not detached: dv/ds = fixed + per_h h, which is rest - h or -threshold
  float input;          // dk's share of x: 1 where the input decays, else 0
};

/** gh = ds s'(u) + gv dv/dh; dx = gh k; gv of the step before = gh (1 - k); dk += gh (x - (v - rest)). */
template <int kSurrogate, bool kDetach, bool kWithDk>
void Backward(const Neurons& p, const Slopes& slopes, const float* RESTRICT x,
              const float* RESTRICT d_spikes, const float* RESTRICT v, const float* RESTRICT h,
              float* RESTRICT gv, float* RESTRICT dk, float* RESTRICT dx, int64_t length) {
  // Copies, since a load that only some neurons need would keep the loop from being vectorised.
  const float threshold = p.threshold, rest = p.rest, alpha = p.alpha;
  const float kept_if_fired = slopes.kept_if_fired, fixed = slopes.fixed, per_h = slopes.per_h;
  const float input = slopes.input;
  const float dx_gain = p.decay_input ? p.k : 1.0f;
  const float kept = 1.0f - p.k;
  for (int64_t i = 0; i < length; i++) {
    const float surrogate = SurrogateGradient<kSurrogate>(h[i] - threshold, alpha);
    float slope = h[i] >= threshold ? kept_if_fired : 1.0f;
    if (!kDetach) slope += surrogate * (fixed + per_h * h[i]);
    const float gh = d_spikes[i] * surrogate + gv[i] * slope;
    dx[i] = gh * dx_gain;
    gv[i] = gh * kept;
    if (kWithDk) dk[i] += gh * (input * x[i] - (v[i] - rest));
  }
}

template <int kSurrogate>
auto PickBackward(bool detach, bool with_dk) {
  if (with_dk) return detach ? Backward<kSurrogate, true, true> : Backward<kSurrogate, false, true>;
  return detach ? Backward<kSurrogate, true, false> : Backward<kSurrogate, false, false>;
}

auto PickBackward(int surrogate, bool detach, bool with_dk) {
  switch (surrogate) {
    case kSigmoid: return PickBackward<kSigmoid>(detach, with_dk);
    case kAtan: return PickBackward<kAtan>(detach, with_dk);
    case kPiecewiseQuadratic: return PickBackward<kPiecewiseQuadratic>(detach, with_dk);
    case kPiecewiseExp: return PickBackward<kPiecewiseExp>(detach, with_dk);
    case kSoftSign: return PickBackward<kSoftSign>(detach, with_dk);
    default: return PickBackward<kErf>(detach, with_dk);
  }
}

/** Calls one of a template's eight instances. */
#define CALL(F, p, ...)                                                      \
  switch ((p).decay_input * 4 + (p).divide * 2 + (p).soft_reset) {           \
    case 0: return F<false, false, false>(p, __VA_ARGS__);                   \
    case 1: return F<false, false, true>(p, __VA_ARGS__);                    \
    case 2: return F<false, true, false>(p, __VA_ARGS__);                    \
    case 3: return F<false, true, true>(p, __VA_ARGS__);                     \
    case 4: return F<true, false, false>(p, __VA_ARGS__);                    \
    case 5: return F<true, false, true>(p, __VA_ARGS__);                     \
    case 6: return F<true, true, false>(p, __VA_ARGS__);                     \
    default: return F<true, true, true>(p, __VA_ARGS__);                     \
  }

void RunForward(const Neurons& p, const ForwardBlock& block, int64_t length) {
  CALL(Forward, p, block, length)
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
  Slopes slopes = {0.0f, p.rest, -1.0f, p.decay_input ? 1.0f : 0.0f};
  if (p.soft_reset) slopes = {1.0f, -p.threshold, 0.0f, slopes.input};
  const auto backward = PickBackward(p.surrogate, p.detach_reset, with_dk);
  for (int64_t t = p.time - 1; t >= 0; t--) {
    const int64_t at = t * p.stride, row = t * length;
    backward(p, slopes, block.x + t * p.x_stride, block.d_spikes + at, v + row, h + row, gv, dk,
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

#define LOOPS_OF(set) extern const LifLoops lif_loops_##set = {RunForward, RunGradient}
#define LOOPS(set) LOOPS_OF(set)
LOOPS(INSTRUCTION_SET);

}  // namespace spikingformer
