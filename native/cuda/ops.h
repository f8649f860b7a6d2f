// Each registers its kernels for GPUs, of ops that ../ops.h registers, unless `status` has an
// error.
#pragma once

#include "../op.h"

namespace spikingformer {

constexpr char kGpuDevice[] = "GPU";

void RegisterMultiStepLifOnGpu(const Status& status);
void RegisterBatchNormOnGpu(const Status& status);
void RegisterFirstMaxPoolOnGpu(const Status& status);
void RegisterAttentionOnGpu(const Status& status);
void RegisterUpdatesOnGpu(const Status& status);

/** All of them. */
inline void RegisterAllOnGpu(const Status& status) {
  RegisterMultiStepLifOnGpu(status);
  RegisterBatchNormOnGpu(status);
  RegisterFirstMaxPoolOnGpu(status);
  RegisterAttentionOnGpu(status);
  RegisterUpdatesOnGpu(status);
}

}  // namespace spikingformer
