// The kernels by name, for the host that launches them and the files that hold them. Every thread
// takes every so many of `items`, and no thread waits for another: threads in any order give the
// same bits.
#pragma once

#include "../parameters.h"

#ifdef __CUDACC_RTC__
#define KERNEL extern "C" __global__ void
#else
#define KERNEL extern "C" void
#endif

/** In a kernel: for each item of this thread. */
#define EACH_ITEM(i)                                                       \
  int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; \
  i < items;                                                               \
  i += static_cast<int64_t>(gridDim.x) * blockDim.x

namespace spikingformer {

/** Where the numbers of a factor lie: how far one step, head, row or column is from the next. */
struct Factor {
  int64_t step, head, row, column;
};

/** out = scale a b for every head of every step; a has `inner` columns, b as many rows. */
struct HeadProduct {
  int64_t heads, rows, inner, columns;
  Factor a, b, out;
  float scale;
};

/** Rows that a thread of head_product sums together. */
constexpr int kProductRows = 4;

// multi_step_lif.cu. `v0`, `decay`, `d_v`, `dv0`, `v` and `dk` may be null.
KERNEL lif_forward(int64_t items, Neurons p, const float* x, const float* v0, const float* decay,
                   float* spikes, float* v);
KERNEL lif_gradient(int64_t items, Neurons p, const float* x, const float* v0, const float* decay,
                    const float* d_spikes, const float* d_v, float* dx, float* dv0, float* dk);
KERNEL lif_decay_sums(int64_t items, const float* dk, int64_t neurons, double* sums);
KERNEL lif_decay_gradient(int64_t items, const double* dk, const float* decay, float* dw);

// batch_norm.cu. A part is `rows_per_part` rows, of which the last may have fewer.
KERNEL norm_moments(int64_t items, const float* x, int64_t rows, int64_t channels,
                    int64_t rows_per_part, double* means, double* squares);
KERNEL norm_merge_moments(int64_t items, const double* means, const double* squares, int64_t rows,
                          int64_t channels, int64_t rows_per_part, double* merged_means,
                          double* merged_squares);
KERNEL norm_variance(int64_t items, const double* means, const double* squares, int64_t rows,
                     float* mean, float* variance);
KERNEL norm_scale(int64_t items, const float* gamma, const float* variance, float epsilon,
                  float* scale);
KERNEL norm_forward(int64_t items, int64_t channels, const float* x, const float* mean,
                    const float* scale, const float* beta, float* y);
KERNEL norm_lif_forward(int64_t items, Neurons p, int64_t channels, const float* x,
                        const float* mean, const float* scale, const float* beta, float* spikes);
KERNEL norm_lif_gradient(int64_t items, Neurons p, int64_t channels, const float* x,
                         const float* mean, const float* scale, const float* beta,
                         const float* d_spikes, float* dy);
KERNEL norm_gradient_sums(int64_t items, const float* x, const float* dy, const float* mean,
                          int64_t rows, int64_t channels, int64_t rows_per_part, double* sums);
KERNEL norm_weight_gradients(int64_t items, const double* sums, int64_t rows, const float* variance,
                             float epsilon, float* d_gamma, float* d_beta, float* dy_mean,
                             float* slope);
KERNEL norm_gradient(int64_t items, int64_t channels, const float* x, const float* dy,
                     const float* mean, const float* scale, const float* dy_mean,
                     const float* slope, float* dx);

// sums.cu
KERNEL add_parts(int64_t items, const double* parts, int64_t count, int64_t width, double* sums);

// max_pool.cu
KERNEL pool_forward(int64_t items, Pool p, const float* x, float* y);
KERNEL pool_gradient(int64_t items, Pool p, const float* x, const float* dy, float* dx);

// attention.cu
KERNEL head_product(int64_t items, HeadProduct p, const float* a, const float* b, float* out);

// updates.cu
KERNEL adamw(int64_t items, const float* p, const float* gradient, const float* m, const float* v,
             const float* factors, float* new_p, float* new_m, float* new_v);
KERNEL blend(int64_t items, const float* old, const float* now, float kept, float taken,
             float* out);
KERNEL running_statistics(int64_t items, const float* mean, const float* variance,
                          const float* batch_mean, const float* batch_variance, const float* bias,
                          float kept, float taken, float taken_variance, float* new_mean,
                          float* new_variance);

/** Parts that one thread adds up. */
constexpr int64_t kFold = 32;

}  // namespace spikingformer
