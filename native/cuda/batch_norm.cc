// The ops SpikingformerBatchNorm and SpikingformerBatchNormLif and their gradients on GPUs:
// batch_norm.cu has their kernels.
#include <algorithm>
#include <memory>
#include <utility>

#include "../neurons.h"
#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

/** Threads that sums are shared among: enough to keep a GPU's memory busy. */
constexpr int64_t kThreads = 1 << 18;
/** Fewer rows are not worth a thread. */
constexpr int64_t kFewRows = 32;

struct Attrs {
  float epsilon = 0;
  bool fires = false;
  Neurons neurons = {};
};

void* CreateNorm(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->epsilon = read.Float("epsilon");
  return attrs.release();
}

void* CreateLif(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->epsilon = read.Float("epsilon");
  attrs->fires = true;
  attrs->neurons = ReadNeurons(read);
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** x as rows of channels, and of the neurons behind it. */
struct Input {
  const float* x = nullptr;
  std::vector<int64_t> shape, channel_shape;
  int64_t rows = 0, channels = 0, rows_per_part = 1;
  Neurons neurons;

  int64_t size() const { return rows * channels; }
  int64_t parts(int64_t rows_of_each) const { return (rows + rows_of_each - 1) / rows_of_each; }
  int64_t neuron_count() const { return size() / neurons.time; }
};

Input ReadInput(Call& call, int index, const Attrs& attrs) {
  Input in;
  in.neurons = attrs.neurons;
  TF_Tensor* const x = call.Input(index);
  if (!x) return in;
  in.shape = Shape(x);
  const int64_t size = TF_TensorElementCount(x);
  if (in.shape.size() < (attrs.fires ? 3 : 2) || size == 0) {
    call.Fail(attrs.fires ? "x must be [batch, time, ..., channels]" : "x must be [..., channels]");
    return in;
  }
  in.x = static_cast<const float*>(TF_TensorData(x));
  in.channels = in.shape.back();
  in.channel_shape = {in.channels};
  in.rows = size / in.channels;
  const int64_t parts = std::max<int64_t>(1, kThreads / in.channels);
  in.rows_per_part = std::max(kFewRows, (in.rows + parts - 1) / parts);
  in.neurons.time = in.shape[1];
  in.neurons.stride = in.neurons.x_stride = size / (in.shape[0] * in.shape[1]);
  return in;
}

/** Each channel's mean and biased variance. */
void Moments(Launches& on, const Input& in, float* mean, float* variance) {
  int64_t each = in.rows_per_part, items = in.parts(each) * in.channels;
  double *means = on.Temporary<double>(items), *squares = on.Temporary<double>(items);
  LAUNCH(on, norm_moments)(items, in.x, in.rows, in.channels, each, means, squares);
  while (items > in.channels) {
    const int64_t fewer = in.parts(each * kFold) * in.channels;
    double* const merged = on.Temporary<double>(fewer);
    double* const merged_squares = on.Temporary<double>(fewer);
    LAUNCH(on, norm_merge_moments)
    (fewer, means, squares, in.rows, in.channels, each, merged, merged_squares);
    means = merged;
    squares = merged_squares;
    items = fewer;
    each *= kFold;
  }
  LAUNCH(on, norm_variance)(in.channels, means, squares, in.rows, mean, variance);
}

float* Scale(Launches& on, const Input& in, const float* gamma, const float* variance,
             float epsilon) {
  float* const scale = on.Temporary<float>(in.channels);
  LAUNCH(on, norm_scale)(in.channels, gamma, variance, epsilon, scale);
  return scale;
}

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const Input in = ReadInput(call, 0, attrs);
  const float* const gamma = call.Data(1, "gamma", in.channels);
  const float* const beta = call.Data(2, "beta", in.channels);
  float* const out = call.Output(0, in.shape);
  float* const mean = call.Output(1, in.channel_shape);
  float* const variance = call.Output(2, in.channel_shape);
  if (!call.ok()) return;
  Launches on(call, context);
  Moments(on, in, mean, variance);
  const float* const scale = Scale(on, in, gamma, variance, attrs.epsilon);
  if (attrs.fires) {
    LAUNCH(on, norm_lif_forward)
    (in.neuron_count(), in.neurons, in.channels, in.x, mean, scale, beta, out);
  } else {
    LAUNCH(on, norm_forward)(in.size(), in.channels, in.x, mean, scale, beta, out);
  }
}

/** Each channel's sums of dy and, behind them, of dy (x - mean). */
const double* Sums(Launches& on, const Input& in, const float* dy, const float* mean) {
  const int64_t width = 2 * in.channels;
  int64_t parts = in.parts(in.rows_per_part);
  double* sums = on.Temporary<double>(parts * width);
  LAUNCH(on, norm_gradient_sums)
  (parts * in.channels, in.x, dy, mean, in.rows, in.channels, in.rows_per_part, sums);
  while (parts > 1) {
    const int64_t fewer = (parts + kFold - 1) / kFold;
    double* const added = on.Temporary<double>(fewer * width);
    LAUNCH(on, add_parts)(fewer * width, sums, parts, width, added);
    sums = added;
    parts = fewer;
  }
  return sums;
}

/** Of neurons, their gradient goes to dx, and from there, once its sums are known, through the
 * norm. */
void Gradient(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const Input in = ReadInput(call, 1, attrs);
  const float* dy = call.Data(0, "dy", in.size());
  const float* const gamma = call.Data(2, "gamma", in.channels);
  const float* const mean = call.Data(3, "mean", in.channels);
  const float* const variance = call.Data(4, "variance", in.channels);
  const float* const beta = attrs.fires ? call.Data(5, "beta", in.channels) : nullptr;
  float* const dx = call.Output(0, in.shape);
  float* const d_gamma = call.Output(1, in.channel_shape);
  float* const d_beta = call.Output(2, in.channel_shape);
  if (!call.ok()) return;
  Launches on(call, context);
  const float* const scale = Scale(on, in, gamma, variance, attrs.epsilon);
  if (attrs.fires) {
    const float* const d_spikes = std::exchange(dy, dx);
    LAUNCH(on, norm_lif_gradient)
    (in.neuron_count(), in.neurons, in.channels, in.x, mean, scale, beta, d_spikes, dx);
  }
  float* const dy_mean = on.Temporary<float>(in.channels);
  float* const slope = on.Temporary<float>(in.channels);
  LAUNCH(on, norm_weight_gradients)
  (in.channels, Sums(on, in, dy, mean), in.rows, variance, attrs.epsilon, d_gamma, d_beta, dy_mean,
   slope);
  LAUNCH(on, norm_gradient)(in.size(), in.channels, in.x, dy, mean, scale, dy_mean, slope, dx);
}

}  // namespace

void RegisterBatchNormOnGpu(const Status& status) {
  RegisterKernel("SpikingformerBatchNorm", kGpuDevice, CreateNorm, Forward, Delete, status);
  RegisterKernel("SpikingformerBatchNormGrad", kGpuDevice, CreateNorm, Gradient, Delete, status);
  RegisterKernel("SpikingformerBatchNormLif", kGpuDevice, CreateLif, Forward, Delete, status);
  RegisterKernel("SpikingformerBatchNormLifGrad", kGpuDevice, CreateLif, Gradient, Delete, status);
}

}  // namespace spikingformer
