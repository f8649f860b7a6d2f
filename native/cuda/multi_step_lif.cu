// MultiStepLIF and its gradient, a thread a neuron: every number is read and written once.
#include "kernels.h"
#include "neurons.cuh"

namespace spikingformer {
namespace {

struct Plain {
  const float* x;
  float operator()(int64_t at) const { return x[at]; }
};

}  // namespace

KERNEL lif_forward(int64_t items, Neurons given, const float* __restrict__ x,
                   const float* __restrict__ v0, const float* __restrict__ decay,
                   float* __restrict__ spikes, float* __restrict__ v) {
  const Neurons p = WithDecay(given, decay);
  for (EACH_ITEM(i)) {
    const float last = Forward(p, Plain{x}, FirstOf(p, i), v0 ? v0[i] : p.rest, spikes);
    if (v) v[i] = last;
  }
}

KERNEL lif_gradient(int64_t items, Neurons given, const float* __restrict__ x,
                    const float* __restrict__ v0, const float* __restrict__ decay,
                    const float* __restrict__ d_spikes, const float* __restrict__ d_v,
                    float* __restrict__ dx, float* __restrict__ dv0, float* __restrict__ dk) {
  const Neurons p = WithDecay(given, decay);
  for (EACH_ITEM(i)) {
    float sum = 0.0f;
    const float gv = Backward(p, Plain{x}, FirstOf(p, i), v0 ? v0[i] : p.rest, d_v ? d_v[i] : 0.0f,
                              d_spikes, dx, dk != nullptr, sum);
    if (dv0) dv0[i] = gv;
    if (dk) dk[i] = sum;
  }
}

/** As many sums as items, of every so many of the neurons' dk. */
KERNEL lif_decay_sums(int64_t items, const float* dk, int64_t neurons, double* sums) {
  for (EACH_ITEM(i)) {
    double sum = 0;
    for (int64_t j = i; j < neurons; j += items) sum += dk[j];
    sums[i] = sum;
  }
}

/** 1 / tau is a sigmoid: its derivative is k (1 - k). */
KERNEL lif_decay_gradient(int64_t items, const double* dk, const float* decay, float* dw) {
  for (EACH_ITEM(i)) dw[i] = dk[i] * (*decay * (1.0 - *decay));
}

}  // namespace spikingformer
