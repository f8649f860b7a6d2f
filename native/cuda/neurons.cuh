// Charge, fire, reset of one neuron, and the same back through time: the formulas of
// lib/kernels/multi_step_lif.ts and surrogate.ts, each operation rounded as it stands
// (--fmad=false).
#pragma once

#include "../parameters.h"

namespace spikingformer {

/** The neurons with 1 / tau as it is learnt, if it is. */
inline Neurons WithDecay(Neurons p, const float* decay) {
  if (decay) {
    p.divide = false;
    p.gain = p.share = p.keeps ? 1.0f - *decay : *decay;
  }
  return p;
}

inline float Charge(const Neurons& p, float v, float x) {
  if (p.keeps) return v * p.gain + x;
  const float above = v - p.rest;
  const float y = p.decay_input ? x - above : above;
  const float part = p.divide ? y / p.gain : y * p.gain;
  return p.decay_input ? v + part : (v - part) + x;
}

inline bool Fires(const Neurons& p, float h) { return h >= p.threshold; }

/**
 * The membrane after firing or not: an infinite one that fires leaves NaN, as h (1 - s) + rest s
 * does.
 */
inline float After(const Neurons& p, float h) {
  if (!Fires(p, h)) return h;
  return p.soft_reset ? h - p.threshold : (h - h) + p.rest;
}

inline float SurrogateGradient(const Neurons& p, float u) {
  constexpr float kHalfPi = 1.57079633f, kInverseRootPi = 0.564189584f;
  const float alpha = p.alpha;
  switch (p.surrogate) {
    case kSigmoid: {
      const float e = expf(-fabsf(alpha * u));
      return (alpha * e) / ((1.0f + e) * (1.0f + e));
    }
    case kAtan: {
      const float z = kHalfPi * alpha * u;
      return (0.5f * alpha) / (1.0f + z * z);
    }
    case kPiecewiseQuadratic: return alpha - alpha * alpha * fabsf(u);
    case kPiecewiseExp: return 0.5f * alpha * expf(-alpha * fabsf(u));
    case kSoftSign: {
      const float z = 1.0f / alpha + fabsf(u);
      return 1.0f / (2.0f * alpha * z * z);
    }
    default: {
      const float z = alpha * u;
      return kInverseRootPi * alpha * expf(-z * z);
    }
  }
}

/**
 * dLoss/dh of a step, of gv = dLoss/dv after it: gs s'(u) + gv (1 - s), or + gv with a soft reset.
 */
inline float ThroughFiring(const Neurons& p, float d_spike, float h, float gv) {
  float gs = d_spike;
  if (!p.detach_reset) gs += p.soft_reset ? -(gv * p.threshold) : gv * p.rest - gv * h;
  const float u = h - p.threshold;
  const bool beyond = p.surrogate == kPiecewiseQuadratic && fabsf(u) > 1.0f / p.alpha;
  const float passed = beyond ? 0.0f : gs * SurrogateGradient(p, u);
  return passed + gv * (Fires(p, h) && !p.soft_reset ? 0.0f : 1.0f);
}

/**
 * Steps one neuron through time; its numbers lie from `at` on, p.stride apart. Returns its last
 * membrane.
 */
template <class Input>
float Forward(const Neurons& p, const Input& input, int64_t at, float v, float* spikes) {
#pragma unroll 4
  for (int64_t t = 0; t < p.time; t++, at += p.stride) {
    const float h = Charge(p, v, input(at));
    spikes[at] = Fires(p, h) ? 1.0f : 0.0f;
    v = After(p, h);
  }
  return v;
}

/**
 * And back: writes dx and, if asked, adds dLoss/dk to dk. Returns dLoss/dv0. Of kSteps steps the
 * membranes stay in registers; of any number (kSteps 0) each waits where its dx will be.
 */
template <int kSteps, class Input>
float Backward(const Neurons& p, const Input& input, int64_t at, float v0, float gv,
               const float* d_spikes, float* dx, bool with_dk, float& dk) {
  const int64_t time = kSteps > 0 ? kSteps : p.time;
  float kept[kSteps > 0 ? kSteps : 1];
  const auto membrane = [&](int64_t t) -> float& {
    return kSteps > 0 ? kept[kSteps > 0 ? t : 0] : dx[at + t * p.stride];
  };
  float v = v0;
#pragma unroll
  for (int64_t t = 0; t < time; t++) {
    membrane(t) = Charge(p, v, input(at + t * p.stride));
    v = After(p, membrane(t));
  }
#pragma unroll
  for (int64_t t = time - 1; t >= 0; t--) {
    const int64_t here = at + t * p.stride;
    const float gh = ThroughFiring(p, d_spikes[here], membrane(t), gv);
    const float part = gh * p.share;
    dx[here] = p.decay_input ? part : gh;
    gv = p.keeps ? part : gh - part;
    if (with_dk) {
      const float above = (t > 0 ? After(p, membrane(t - 1)) : v0) - p.rest;
      dk += gh * (p.decay_input ? input(here) - above : -above);
    }
  }
  return gv;
}

/** The number of steps that the papers train with has loops of its own. */
template <class Input>
float Backward(const Neurons& p, const Input& input, int64_t at, float v0, float gv,
               const float* d_spikes, float* dx, bool with_dk, float& dk) {
  if (p.time == 4) return Backward<4>(p, input, at, v0, gv, d_spikes, dx, with_dk, dk);
  return Backward<0>(p, input, at, v0, gv, d_spikes, dx, with_dk, dk);
}

/** The first number of neuron i in [batch, time, neurons of a sample]. */
inline int64_t FirstOf(const Neurons& p, int64_t i) {
  return i / p.stride * p.time * p.stride + i % p.stride;
}

}  // namespace spikingformer
