// The Node addon: registers the ops when it is loaded, and says what it is. It may be loaded by
// several threads and realms of a process; the ops are registered by the first.
#include <node_api.h>

#include <string>

#include "ops.h"
#include "thread_pool.h"
#ifdef SPIKINGFORMER_GPU
#include "cuda/launches.h"
#include "cuda/ops.h"
#endif

namespace {

void Set(napi_env env, napi_value object, const char* name, const char* value) {
  napi_value text;
  if (napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &text) == napi_ok) {
    napi_set_named_property(env, object, name, text);
  }
}

void Set(napi_env env, napi_value object, const char* name, int value) {
  napi_value number;
  if (napi_create_int32(env, value, &number) == napi_ok) {
    napi_set_named_property(env, object, name, number);
  }
}

void Set(napi_env env, napi_value object, const char* name, bool value) {
  napi_value boolean;
  if (napi_get_boolean(env, value, &boolean) == napi_ok) {
    napi_set_named_property(env, object, name, boolean);
  }
}

/** Empty, or what went wrong. */
std::string RegisterAll() {
  const spikingformer::Status status(TF_NewStatus());
  spikingformer::RegisterMultiStepLif(status);
  spikingformer::RegisterFirstMaxPool(status);
  spikingformer::RegisterSpikeConv(status);
  spikingformer::RegisterSpikeConvLif(status);
  spikingformer::RegisterSpikeConvPool(status);
  spikingformer::RegisterSpikeFilterGrad(status);
  spikingformer::RegisterInputGradient(status);
  spikingformer::RegisterSpikeBits(status);
  spikingformer::RegisterDepthwise(status);
  spikingformer::RegisterWinograd(status);
  spikingformer::RegisterBatchNorm(status);
  spikingformer::RegisterBatchNormLif(status);
  spikingformer::RegisterBatchNormPool(status);
  spikingformer::RegisterLayerNorm(status);
  spikingformer::RegisterUpdates(status);
  spikingformer::RegisterAttention(status);
#ifdef SPIKINGFORMER_GPU
  spikingformer::RegisterAllOnGpu(status);
#endif
  return Ok(status) ? "" : TF_Message(status.get());
}

}  // namespace

NAPI_MODULE_INIT() {
  static const std::string error = RegisterAll();
  if (!error.empty()) {
    napi_throw_error(env, nullptr, ("TensorFlow did not take the ops: " + error).c_str());
    return exports;
  }
  // lib/kernels/tensorflow/native_ops.ts takes the ops of its own interface's number only.
  Set(env, exports, "interface", SPIKINGFORMER_INTERFACE);
  Set(env, exports, "instructionSet", spikingformer::NameOf(spikingformer::BestInstructionSet()));
  Set(env, exports, "threads", spikingformer::Threads());
  Set(env, exports, "bfloat16", spikingformer::MultipliesBfloat16());
  Set(env, exports, "amx", spikingformer::HasAmx());
#ifdef SPIKINGFORMER_GPU
  Set(env, exports, "cuda", spikingformer::kOnStream ? "stream" : "synchronized");
#endif
  return exports;
}
