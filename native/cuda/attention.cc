// The ops SpikingformerAttention and SpikingformerAttentionGrad on GPUs, as products of
// attention.cu.
#include <memory>

#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

struct Attrs {
  int64_t heads;
  float scale;
};

void* Create(TF_OpKernelConstruction* construction) {
  AttrReader read(construction);
  auto attrs = std::make_unique<Attrs>();
  attrs->heads = read.Int("num_heads");
  attrs->scale = read.Float("scale");
  return attrs.release();
}

void Delete(void* attrs) { delete static_cast<Attrs*>(attrs); }

/** A factor of one head: its numbers, how they lie, and its sides. */
struct Matrix {
  float* data;
  Factor at;
  int64_t rows, columns;
};

Matrix Transposed(const Matrix& a) {
  return {a.data, {a.at.step, a.at.head, a.at.column, a.at.row}, a.columns, a.rows};
}

/** All heads of all steps, and their products. */
class Heads {
 public:
  Heads(Call& call, const Attrs& attrs, TF_Tensor* first) : call_(call), attrs_(attrs) {
    if (!first) return;
    shape_ = Shape(first);
    const int64_t channels = shape_.empty() ? 0 : shape_.back();
    if (shape_.size() < 4 || channels % attrs.heads != 0) {
      call.Fail(
          "q must be [batch, time, ...tokens, channels], with the same channels for each head");
      return;
    }
    size_ = TF_TensorElementCount(first);
    steps_ = shape_[0] * shape_[1];
    head_dim_ = channels / attrs.heads;
    tokens_ = size_ > 0 ? size_ / steps_ / channels : 0;
  }

  Matrix Input(int i, const char* name) {
    return Of(const_cast<float*>(call_.Data(i, name, size_)));  // kernels only read it
  }
  Matrix Output(int i) { return Of(call_.Output(i, shape_)); }

  /** Of (q kT) v and q (kT v), whether the first takes fewer operations. */
  bool FewTokens() const { return tokens_ < head_dim_; }

  void Product(Launches& on, const Matrix& a, const Matrix& b, const Matrix& out,
               float scale) const {
    const HeadProduct p = {attrs_.heads, a.rows, a.columns, b.columns, a.at, b.at, out.at, scale};
    const int64_t tiles = (a.rows + kProductRows - 1) / kProductRows;
    LAUNCH(on, head_product)
    (steps_ * attrs_.heads * tiles * b.columns, p, a.data, b.data, out.data);
  }

  /** a b, for a further product. */
  Matrix Product(Launches& on, const Matrix& a, const Matrix& b) const {
    const int64_t size = a.rows * b.columns;
    float* const data = on.Temporary<float>(steps_ * attrs_.heads * size);
    const Matrix out = {data, {attrs_.heads * size, size, b.columns, 1}, a.rows, b.columns};
    Product(on, a, b, out, 1.0f);
    return out;
  }

 private:
  Matrix Of(float* data) const {
    const int64_t channels = attrs_.heads * head_dim_;
    return {data, {tokens_ * channels, head_dim_, channels, 1}, tokens_, head_dim_};
  }

  Call& call_;
  const Attrs& attrs_;
  std::vector<int64_t> shape_;
  int64_t size_ = 0, steps_ = 0, tokens_ = 0, head_dim_ = 0;
};

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  Heads heads(call, attrs, call.Input(0));
  const Matrix q = heads.Input(0, "q"), k = heads.Input(1, "k"), v = heads.Input(2, "v");
  const Matrix y = heads.Output(0);
  Launches on(call, context);
  if (heads.FewTokens()) {
    heads.Product(on, heads.Product(on, q, Transposed(k)), v, y, attrs.scale);
  } else {
    heads.Product(on, q, heads.Product(on, Transposed(k), v), y, attrs.scale);
  }
}

/** The gradient of q kT is dy vT, that of kT v is qT dy. */
void Gradient(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<Attrs*>(given);
  Heads heads(call, attrs, call.Input(0));
  const Matrix dy = heads.Input(0, "dy"), q = heads.Input(1, "q");
  const Matrix k = heads.Input(2, "k"), v = heads.Input(3, "v");
  const Matrix dq = heads.Output(0), dk = heads.Output(1), dv = heads.Output(2);
  const float scale = attrs.scale;
  Launches on(call, context);
  if (heads.FewTokens()) {
    const Matrix qk = heads.Product(on, q, Transposed(k));
    const Matrix d_qk = heads.Product(on, dy, Transposed(v));
    heads.Product(on, d_qk, k, dq, scale);
    heads.Product(on, Transposed(d_qk), q, dk, scale);
    heads.Product(on, Transposed(qk), dy, dv, scale);
  } else {
    const Matrix d_kv = heads.Product(on, Transposed(q), dy);
    heads.Product(on, dy, heads.Product(on, Transposed(v), k), dq, scale);
    heads.Product(on, v, Transposed(d_kv), dk, scale);
    heads.Product(on, k, d_kv, dv, scale);
  }
}

}  // namespace

void RegisterAttentionOnGpu(const Status& status) {
  RegisterKernel("SpikingformerAttention", kGpuDevice, Create, Forward, Delete, status);
  RegisterKernel("SpikingformerAttentionGrad", kGpuDevice, Create, Gradient, Delete, status);
}

}  // namespace spikingformer
