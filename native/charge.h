// How a membrane is charged, and what it is after it has fired. Every operation is rounded as the
// composed form rounds it (lib/kernels/multi_step_lif.ts): compile with -ffp-contract=off.
#pragma once

#include "parameters.h"

namespace spikingformer {
namespace {

/** How the membrane is charged. */
enum ChargeKind {
  kDrive,  // h = v + (x - (v - rest)) / tau
  kLeak,   // h = v - (v - rest) / tau + x
  kKeep,   // h = v share + x
};

inline ChargeKind KindOf(const Neurons& p) {
  return p.keeps ? kKeep : p.decay_input ? kDrive : kLeak;
}

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

}  // namespace
}  // namespace spikingformer
