// All kernels, as one module. Compiled by CUDA's runtime compiler (compile.cc), and in tests for a
// CPU.
#include "attention.cu"
#include "batch_norm.cu"
#include "max_pool.cu"
#include "multi_step_lif.cu"
#include "sums.cu"
#include "updates.cu"
