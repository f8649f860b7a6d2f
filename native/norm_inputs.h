// The inputs and outputs of the ops with batch normalization inside, on any device.
#pragma once

#include <cstdint>
#include <vector>

#include "op.h"

namespace spikingformer {

/** x as rows of channels and, of neurons, as samples of `time` steps of `places` rows each. */
struct NormInput {
  const float* x = nullptr;
  std::vector<int64_t> shape, channel_shape;
  int64_t rows = 0, channels = 0, samples = 0, time = 0, places = 0;

  int64_t size() const { return rows * channels; }
};

inline NormInput ReadNormInput(Call& call, int index, bool neurons) {
  NormInput in;
  TF_Tensor* const x = call.Input(index);
  if (!x) return in;
  in.shape = Shape(x);
  const int64_t size = TF_TensorElementCount(x);
  if (in.shape.size() < (neurons ? 3 : 2) || size == 0) {
    call.Fail(neurons ? "x must be [batch, time, ..., channels]" : "x must be [..., channels]");
    return in;
  }
  in.x = static_cast<const float*>(TF_TensorData(x));
  in.channels = in.shape.back();
  in.channel_shape = {in.channels};
  in.rows = size / in.channels;
  in.samples = in.shape[0];
  in.time = in.shape[1];
  in.places = in.rows / (in.samples * in.time);
  return in;
}

/**
 * x, gamma and beta, inputs 0 to 2, and the outputs of an op: 0 is y or spikes; `out` is null for
 * an op that makes it of another shape.
 */
struct NormForward {
  NormInput in;
  const float *gamma, *beta;
  float *out, *mean, *variance;

  NormForward(Call& call, bool neurons, bool other_shape = false)
      : in(ReadNormInput(call, 0, neurons)),
        gamma(call.Data(1, "gamma", in.channels)),
        beta(call.Data(2, "beta", in.channels)),
        out(other_shape ? nullptr : call.Output(0, in.shape)),
        mean(call.Output(1, in.channel_shape)),
        variance(call.Output(2, in.channel_shape)) {}
};

/** The inputs, beta behind neurons only, and the outputs of either gradient. */
struct NormBackward {
  NormInput in;
  const float *dy, *gamma, *mean, *variance, *beta;
  float *dx, *d_gamma, *d_beta;

  NormBackward(Call& call, bool neurons)
      : in(ReadNormInput(call, 1, neurons)),
        dy(call.Data(0, "dy", in.size())),
        gamma(call.Data(2, "gamma", in.channels)),
        mean(call.Data(3, "mean", in.channels)),
        variance(call.Data(4, "variance", in.channels)),
        beta(neurons ? call.Data(5, "beta", in.channels) : nullptr),
        dx(call.Output(0, in.shape)),
        d_gamma(call.Output(1, in.channel_shape)),
        d_beta(call.Output(2, in.channel_shape)) {}
};

}  // namespace spikingformer
