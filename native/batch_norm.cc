// The ops SpikingformerBatchNorm and SpikingformerBatchNormLif, and their gradients:
// BatchNormTraining and BatchNormLIF of lib/kernels/batch_norm_lif.ts. The second keeps nothing
// between the norm and the neurons: what they were given is computed once more for the gradient, a
// block that fits into L1 at a time.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "multi_step_lif.h"
#include "norm_loops.h"
#include "ops.h"
#include "thread_pool.h"

namespace spikingformer {
namespace {

const Variants<NormLoops> kNormLoops = VARIANTS(norm_loops);

/** Rows that are summed up together: as many as have about this many numbers, 32 KiB. */
constexpr int64_t kSumBlock = 8192;
/** Neurons that are stepped through all of time together. */
constexpr int64_t kForwardBlock = 1024;
/**
 * At most so many parts of a sum, whatever the number of threads, so that it is the same for all.
 */
constexpr int64_t kParts = 32;
/** Less than this many numbers are not worth a part, or waking a thread, of their own. */
constexpr int64_t kGrain = 1 << 15;

struct Attrs {
  float epsilon = 0;
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
  attrs->neurons = ReadNeurons(read);
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** x as rows of channels and, of neurons, as samples of `time` steps of `places` rows each. */
struct Input {
  const float* x = nullptr;
  std::vector<int64_t> shape, channel_shape;
  int64_t rows = 0, channels = 0, samples = 0, time = 0, places = 0;

  int64_t size() const { return rows * channels; }
};

Input ReadInput(Call& call, int index, bool neurons) {
  Input in;
  TF_Tensor* x = call.Input(index);
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

/** Calls body(first block, end, number of the part) for parts of `count` blocks. */
template <class Body>
void ForEachPart(int64_t parts, int64_t count, const Body& body) {
  ParallelFor(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      body(part * count / parts, (part + 1) * count / parts, part);
    }
  });
}

int64_t PartsOf(int64_t blocks, int64_t numbers) {
  return std::max<int64_t>(1, std::min({kParts, blocks, numbers / kGrain}));
}

/** Two sums a channel, of each part of the numbers. */
class Sums {
 public:
  Sums(int64_t parts, int64_t channels)
      : channels_(channels), parts_(parts), sums_(2 * parts * channels) {}
  double* First(int64_t part) { return sums_.data() + 2 * part * channels_; }
  double* Second(int64_t part) { return First(part) + channels_; }

  /** Adds up all parts, into the first. */
  void AddUp() {
    for (int64_t part = 1; part < parts_; part++) {
      for (int64_t i = 0; i < 2 * channels_; i++) sums_[i] += First(part)[i];
    }
  }

 private:
  int64_t channels_, parts_;
  std::vector<double> sums_;
};

/** Each channel's mean and biased variance. */
void Moments(const Input& in, float* mean, float* variance) {
  const int64_t block = std::max<int64_t>(1, kSumBlock / in.channels);
  const int64_t blocks = (in.rows + block - 1) / block;
  Sums sums(PartsOf(blocks, in.size()), in.channels);
  ForEachPart(PartsOf(blocks, in.size()), blocks, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> scratch(MomentsScratch(in.channels));
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i * block;
      Best(kNormLoops)
          .moments(in.x + row * in.channels, std::min(block, in.rows - row), in.channels,
                   scratch.data(), sums.First(part), sums.Second(part));
    }
  });
  sums.AddUp();
  for (int64_t c = 0; c < in.channels; c++) {
    const double m = sums.First(0)[c] / in.rows;
    const double v = sums.Second(0)[c] / in.rows - m * m;
    mean[c] = m;
    variance[c] = v < 0 ? 0 : v;  // not NaN, which must be seen
  }
}

/** What is done to each channel, as the composed form computes it. */
class Norm {
 public:
  Norm(int64_t channels, const float* gamma, const float* beta, const float* mean,
       const float* variance, float epsilon)
      : scale_(channels), channels_{channels, mean, scale_.data(), beta, nullptr, nullptr} {
    for (int64_t c = 0; c < channels; c++) {
      scale_[c] = gamma[c] * (1.0f / std::sqrt(variance[c] + epsilon));
    }
  }

  /**
   * Of the gradient: from the sums of dy and dy (x - mean) over `rows` rows; gives those of the
   * weights.
   */
  void SetSums(Sums& sums, int64_t rows, const float* variance, float epsilon, float* d_gamma,
               float* d_beta) {
    const int64_t count = channels_.count;
    dy_mean_.resize(count);
    slope_.resize(count);
    for (int64_t c = 0; c < count; c++) {
      const double total = sums.First(0)[c], product = sums.Second(0)[c];
      const double spread = static_cast<double>(variance[c]) + epsilon;
      d_beta[c] = total;
      d_gamma[c] = product / std::sqrt(spread);
      dy_mean_[c] = total / rows;
      slope_[c] = product / rows / spread;
    }
    channels_.dy_mean = dy_mean_.data();
    channels_.slope = slope_.data();
  }

  const Channels& channels() const { return channels_; }

 private:
  std::vector<float> scale_, dy_mean_, slope_;
  Channels channels_;
};

/** Calls body(first number, rows) for pieces of all rows. */
template <class Body>
void ForEachRows(const Input& in, const Body& body) {
  const int64_t grain = std::max<int64_t>(1, kGrain / in.channels);
  ParallelFor(in.rows, grain,
              [&](int64_t begin, int64_t end) { body(begin * in.channels, end - begin); });
}

/** Blocks of neurons at a few places, which hold all of their channels, through all of time. */
struct Blocks {
  int64_t places, per_sample, count;

  Blocks(const Input& in, int64_t neurons)
      : places(std::max<int64_t>(1, neurons / in.channels)),
        per_sample((in.places + places - 1) / places),
        count(in.samples * per_sample) {}
};

struct Block {
  int64_t at;      // its first number in x
  int64_t rows;    // its places
  int64_t length;  // its neurons
};

Block BlockOf(const Input& in, const Blocks& blocks, int64_t i) {
  const int64_t sample = i / blocks.per_sample, place = i % blocks.per_sample * blocks.places;
  const int64_t rows = std::min(blocks.places, in.places - place);
  return {(sample * in.time * in.places + place) * in.channels, rows, rows * in.channels};
}

/** The neurons, walking through what a block of the norm's output holds. */
Neurons NeuronsOf(const Attrs& attrs, const Input& in, const Block& block) {
  Neurons neurons = attrs.neurons;
  neurons.time = in.time;
  neurons.stride = in.places * in.channels;
  neurons.x_stride = block.length;
  return neurons;
}

/** All time steps of a block, normalized, one after the other. */
void NormalizeBlock(const Input& in, const Norm& norm, const Block& block, float* y) {
  const int64_t stride = in.places * in.channels;
  for (int64_t t = 0; t < in.time; t++) {
    Best(kNormLoops)
        .normalize(norm.channels(), in.x + block.at + t * stride, y + t * block.length, block.rows);
  }
}

/** gamma and beta, inputs 1 and 2, to the outputs of either op: 0 is left to the caller. */
struct Forward {
  Input in;
  const float *gamma, *beta;
  float *out, *mean, *variance;

  Forward(Call& call, bool neurons) : in(ReadInput(call, 0, neurons)) {
    gamma = call.Data(1, "gamma", in.channels);
    beta = call.Data(2, "beta", in.channels);
    out = call.Output(0, in.shape);
    mean = call.Output(1, in.channel_shape);
    variance = call.Output(2, in.channel_shape);
  }
};

void ComputeNorm(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const Forward op(call, false);
  if (!call.ok()) return;
  Moments(op.in, op.mean, op.variance);
  const float epsilon = static_cast<Attrs*>(given)->epsilon;
  const Norm norm(op.in.channels, op.gamma, op.beta, op.mean, op.variance, epsilon);
  ForEachRows(op.in, [&](int64_t at, int64_t rows) {
    Best(kNormLoops).normalize(norm.channels(), op.in.x + at, op.out + at, rows);
  });
}

void ComputeLif(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const Forward op(call, true);
  if (!call.ok()) return;
  const Input& in = op.in;
  Moments(in, op.mean, op.variance);
  const Norm norm(in.channels, op.gamma, op.beta, op.mean, op.variance, attrs.epsilon);
  const Blocks blocks(in, kForwardBlock);
  const bool large = in.size() >= kBeyondCaches;
  const int64_t length = blocks.places * in.channels;
  const int64_t grain = std::max<int64_t>(1, kGrain / (in.time * length));
  ParallelFor(blocks.count, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> y(in.time * length), membranes(length), row(large ? length : 0);
    for (int64_t i = begin; i < end; i++) {
      const Block block = BlockOf(in, blocks, i);
      NormalizeBlock(in, norm, block, y.data());
      Best(kLifLoops).forward(
          NeuronsOf(attrs, in, block),
          {y.data(), nullptr, op.out + block.at, membranes.data(), large ? row.data() : nullptr},
          block.length);
    }
  });
}

/** Inputs 0 to 4 and the outputs of either gradient. */
struct Backward {
  Input in;
  const float *dy, *gamma, *mean, *variance;
  float *dx, *d_gamma, *d_beta;

  Backward(Call& call, bool neurons) : in(ReadInput(call, 1, neurons)) {
    dy = call.Data(0, "dy", in.size());
    gamma = call.Data(2, "gamma", in.channels);
    mean = call.Data(3, "mean", in.channels);
    variance = call.Data(4, "variance", in.channels);
    dx = call.Output(0, in.shape);
    d_gamma = call.Output(1, in.channel_shape);
    d_beta = call.Output(2, in.channel_shape);
  }
};

/** The second half of both gradients: through the norm, once the sums are known. */
void ThroughNorm(const Backward& op, Norm& norm, Sums& sums, float epsilon, const float* dy) {
  sums.AddUp();
  norm.SetSums(sums, op.in.rows, op.variance, epsilon, op.d_gamma, op.d_beta);
  ForEachRows(op.in, [&](int64_t at, int64_t rows) {
    Best(kNormLoops)
        .gradient(norm.channels(), op.in.x + at, dy ? dy + at : nullptr, op.dx + at, rows);
  });
}

void ComputeNormGrad(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const float epsilon = static_cast<Attrs*>(given)->epsilon;
  const Backward op(call, false);
  if (!call.ok()) return;
  const Input& in = op.in;
  Norm norm(in.channels, op.gamma, nullptr, op.mean, op.variance, epsilon);
  const int64_t block = std::max<int64_t>(1, kSumBlock / in.channels);
  const int64_t blocks = (in.rows + block - 1) / block, parts = PartsOf(blocks, in.size());
  Sums sums(parts, in.channels);
  ForEachPart(parts, blocks, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> few(2 * in.channels);
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i * block, at = row * in.channels;
      Best(kNormLoops)
          .gradient_sums(norm.channels(), in.x + at, op.dy + at, std::min(block, in.rows - row),
                         few.data(), few.data() + in.channels);
      Best(kNormLoops).gather(few.data(), sums.First(part), 2 * in.channels);
    }
  });
  ThroughNorm(op, norm, sums, epsilon, op.dy);
}

/** The neurons' gradient goes to dx, and from there, once its sums are known, through the norm. */
void ComputeLifGrad(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  const Backward op(call, true);
  const Input& in = op.in;
  const float* const beta = call.Data(5, "beta", in.channels);
  if (!call.ok()) return;
  Norm norm(in.channels, op.gamma, beta, op.mean, op.variance, attrs.epsilon);
  const Blocks blocks(in, GradientBlockLength(in.time));
  const int64_t length = blocks.places * in.channels, stride = in.places * in.channels;
  const int64_t parts = PartsOf(blocks.count, in.size());
  Sums sums(parts, in.channels);
  ForEachPart(parts, blocks.count, [&](int64_t begin, int64_t end, int64_t part) {
    std::vector<float> y(in.time * length), scratch(ScratchSize(in.time, length));
    std::vector<float> few(2 * in.channels);
    int64_t rows = 0;
    for (int64_t i = begin; i < end; i++) {
      const Block block = BlockOf(in, blocks, i);
      NormalizeBlock(in, norm, block, y.data());
      Best(kLifLoops).gradient(
          NeuronsOf(attrs, in, block),
          {y.data(), nullptr, op.dy + block.at, nullptr, op.dx + block.at, nullptr, scratch.data()},
          block.length, false);
      for (int64_t t = 0; t < in.time; t++) {
        const int64_t at = block.at + t * stride;
        Best(kNormLoops)
            .gradient_sums(norm.channels(), in.x + at, op.dx + at, block.rows, few.data(),
                           few.data() + in.channels);
      }
      rows += in.time * block.rows;
      if (rows * in.channels < kSumBlock && i + 1 < end) continue;
      Best(kNormLoops).gather(few.data(), sums.First(part), 2 * in.channels);
      rows = 0;
    }
  });
  ThroughNorm(op, norm, sums, attrs.epsilon, nullptr);
}

}  // namespace

void RegisterBatchNorm(const Status& status) {
  const std::vector<const char*> weights = {"x: float", "gamma: float", "beta: float"};
  const std::vector<const char*> moments = {"mean: float", "variance: float"};
  const auto outputs = [&](const char* first) {
    return std::vector<const char*>{first, moments[0], moments[1]};
  };
  const std::vector<const char*> saved = {"dy: float", "x: float", "gamma: float", moments[0],
                                          moments[1]};
  const std::vector<const char*> gradients = {"dx: float", "d_gamma: float", "d_beta: float"};
  std::vector<const char*> saved_of_neurons = saved, attrs = {"epsilon: float"};
  saved_of_neurons.push_back("beta: float");
  Register({"SpikingformerBatchNorm", weights, outputs("y: float"), attrs}, CreateNorm, ComputeNorm,
           Delete, status);
  Register({"SpikingformerBatchNormGrad", saved, gradients, attrs}, CreateNorm, ComputeNormGrad,
           Delete, status);
  attrs.insert(attrs.end(), kNeuronAttrs.begin(), kNeuronAttrs.end());
  Register({"SpikingformerBatchNormLif", weights, outputs("spikes: float"), attrs}, CreateLif,
           ComputeLif, Delete, status);
  Register({"SpikingformerBatchNormLifGrad", saved_of_neurons, gradients, attrs}, CreateLif,
           ComputeLifGrad, Delete, status);
}

}  // namespace spikingformer
