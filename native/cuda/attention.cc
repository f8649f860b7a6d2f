// The ops SpikingformerAttention and SpikingformerAttentionGrad on GPUs, as products of
// attention.cu.
#include "../attention.h"

#include "launches.h"
#include "ops.h"

namespace spikingformer {
namespace {

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
  Heads(Call& call, const AttentionAttrs& attrs) : call_(call), in_(ReadHeads(call, attrs)) {}

  Matrix Input(int i, const char* name) {
    return Of(const_cast<float*>(call_.Data(i, name, in_.size)));  // kernels only read it
  }
  Matrix Output(int i) { return Of(call_.Output(i, in_.shape)); }

  /** Of (q kT) v and q (kT v), whether the first takes fewer operations. */
  bool FewTokens() const { return in_.tokens < in_.head_dim; }

  void Product(Launches& on, const Matrix& a, const Matrix& b, const Matrix& out,
               float scale) const {
    const HeadProduct p = {in_.heads, a.rows, a.columns, b.columns, a.at, b.at, out.at, scale};
    const int64_t tiles = (a.rows + kProductRows - 1) / kProductRows;
    LAUNCH(on, head_product)
    (in_.steps * in_.heads * tiles * b.columns, p, a.data, b.data, out.data);
  }

  /** a b, for a further product. */
  Matrix Product(Launches& on, const Matrix& a, const Matrix& b) const {
    const int64_t size = a.rows * b.columns;
    float* const data = on.Temporary<float>(in_.steps * in_.heads * size);
    const Matrix out = {data, {in_.heads * size, size, b.columns, 1}, a.rows, b.columns};
    Product(on, a, b, out, 1.0f);
    return out;
  }

 private:
  Matrix Of(float* data) const {
    const Factor at = {in_.tokens * in_.channels, in_.head_dim, in_.channels, 1};
    return {data, at, in_.tokens, in_.head_dim};
  }

  Call& call_;
  const HeadsInput in_;
};

void Forward(void* given, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attrs = *static_cast<AttentionAttrs*>(given);
  Heads heads(call, attrs);
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
  const auto& attrs = *static_cast<AttentionAttrs*>(given);
  Heads heads(call, attrs);
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
  RegisterKernel("SpikingformerAttention", kGpuDevice, CreateAttention, Forward, DeleteAttention,
                 status);
  RegisterKernel("SpikingformerAttentionGrad", kGpuDevice, CreateAttention, Gradient,
                 DeleteAttention, status);
}

}  // namespace spikingformer
