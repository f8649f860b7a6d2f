// The ops SpikingformerBatchNorm and SpikingformerBatchNormLif and their gradients on GPUs:
// batch_norm.cu has their kernels.
#include <algorithm>
#include <memory>

#include "../neurons.h"
#include "../norm_inputs.h"
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

/** Rows that a thread sums up. */
int64_t RowsPerPart(const NormInput& in) {
  const int64_t parts = std::max<int64_t>(1, kThreads / in.channels);
  return std::max(kFewRows, (in.rows + parts - 1) / parts);
}

int64_t PartsOf(const NormInput& in, int64_t rows_of_each) {
  return (in.rows + rows_of_each - 1) / rows_of_each;
}

/** The neurons, walking through x. */
Neurons NeuronsOf(const Attrs& attrs, const NormInput& in) {
  Neurons neurons = attrs.neurons;
  neurons.time = in.time;
  neurons.stride = neurons.x_stride = in.places * in.channels;
  return neurons;
}

/** Each channel's mean and biased variance. */
void Moments(Launches& on, const NormInput& in, float* mean, float* variance) {
  int64_t each = RowsPerPart(in), items = PartsOf(in, each) * in.channels;
  double *means = on.Temporary<double>(items), *squares = on.Temporary<double>(items);
  LAUNCH(on, norm_moments)(items, in.x, in.rows, in.channels, each, means, squares);
  while (items > in.channels) {
    const int64_t fewer = PartsOf(in, each * kFold) * in.channels;
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

float* Scale(Launches& on, const NormInput& in, const float* gamma, const float* variance,
             float epsilon) {
  float* const scale = on.Temporary<float>(in.channels);
  LAUNCH(on, norm_scale)(in.channels, gamma, variance, epsilon, scale);
  return scale;
}

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const NormForward op(call, attrs.fires);
  if (!call.ok()) return;
  const NormInput& in = op.in;
  Launches on(call, context);
  Moments(on, in, op.mean, op.variance);
  const float* const scale = Scale(on, in, op.gamma, op.variance, attrs.epsilon);
  if (attrs.fires) {
    LAUNCH(on, norm_lif_forward)
    (in.size() / in.time, NeuronsOf(attrs, in), in.channels, in.x, op.mean, scale, op.beta, op.out);
  } else {
    LAUNCH(on, norm_forward)(in.size(), in.channels, in.x, op.mean, scale, op.beta, op.out);
  }
}

/** Each channel's sums of dy and, behind them, of dy (x - mean). */
const double* Sums(Launches& on, const NormInput& in, const float* dy, const float* mean) {
  const int64_t width = 2 * in.channels;
  const int64_t each = RowsPerPart(in);
  int64_t parts = PartsOf(in, each);
  double* sums = on.Temporary<double>(parts * width);
  LAUNCH(on, norm_gradient_sums)
  (parts * in.channels, in.x, dy, mean, in.rows, in.channels, each, sums);
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
  const NormBackward op(call, attrs.fires);
  if (!call.ok()) return;
  const NormInput& in = op.in;
  Launches on(call, context);
  const float* const scale = Scale(on, in, op.gamma, op.variance, attrs.epsilon);
  if (attrs.fires) {
    LAUNCH(on, norm_lif_gradient)
    (in.size() / in.time, NeuronsOf(attrs, in), in.channels, in.x, op.mean, scale, op.beta, op.dy,
     op.dx);
  }
  const float* const dy = attrs.fires ? op.dx : op.dy;
  float* const dy_mean = on.Temporary<float>(in.channels);
  float* const slope = on.Temporary<float>(in.channels);
  LAUNCH(on, norm_weight_gradients)
  (in.channels, Sums(on, in, dy, op.mean), in.rows, op.variance, attrs.epsilon, op.d_gamma,
   op.d_beta, dy_mean, slope);
  LAUNCH(on, norm_gradient)
  (in.size(), in.channels, in.x, dy, op.mean, scale, dy_mean, slope, op.dx);
}

}  // namespace

void RegisterBatchNormOnGpu(const Status& status) {
  RegisterKernel("SpikingformerBatchNorm", kGpuDevice, CreateNorm, Forward, Delete, status);
  RegisterKernel("SpikingformerBatchNormGrad", kGpuDevice, CreateNorm, Gradient, Delete, status);
  RegisterKernel("SpikingformerBatchNormLif", kGpuDevice, CreateLif, Forward, Delete, status);
  RegisterKernel("SpikingformerBatchNormLifGrad", kGpuDevice, CreateLif, Gradient, Delete, status);
}

}  // namespace spikingformer
