// In the place of TensorFlow's header of this name: as much of its C API as the ops here call, for one op run in a
// process without TensorFlow. New memory is all NaN: what an op reads before it is written shows.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

using TF_Bool = unsigned char;
enum TF_Code { TF_OK = 0, TF_INVALID_ARGUMENT = 3 };
enum TF_DataType { TF_FLOAT = 1, TF_INT32 = 3, TF_UINT8 = 4 };

struct TF_Status {
  TF_Code code = TF_OK;
  std::string message;
};
inline TF_Status* TF_NewStatus() { return new TF_Status; }
inline void TF_DeleteStatus(TF_Status* status) { delete status; }
inline TF_Code TF_GetCode(const TF_Status* status) { return status->code; }
inline const char* TF_Message(const TF_Status* status) { return status->message.c_str(); }
inline void TF_SetStatus(TF_Status* status, TF_Code code, const char* message) {
  *status = {code, message};
}

struct TF_Tensor {
  std::vector<int64_t> shape;
  std::shared_ptr<std::vector<char>> bytes;
};
inline TF_Tensor NewTensor(const std::vector<int64_t>& shape, size_t size_of_one) {
  const auto count =
      std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
  return {shape, std::make_shared<std::vector<char>>(count * size_of_one, '\xff')};
}
inline void TF_DeleteTensor(TF_Tensor* tensor) { delete tensor; }
inline int TF_NumDims(const TF_Tensor* tensor) { return static_cast<int>(tensor->shape.size()); }
inline int64_t TF_Dim(const TF_Tensor* tensor, int i) { return tensor->shape[i]; }
inline void* TF_TensorData(const TF_Tensor* tensor) { return tensor->bytes->data(); }
inline int64_t TF_TensorElementCount(const TF_Tensor* tensor) {
  return static_cast<int64_t>(tensor->bytes->size() / sizeof(float));
}

struct TF_AllocatorAttributes {
  size_t struct_size;
  TF_Bool on_host;
};
constexpr size_t TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE = sizeof(TF_AllocatorAttributes);

/** One call of an op. */
struct TF_OpKernelContext {
  std::vector<TF_Tensor> inputs, outputs;
  TF_Status failure;
};
inline void TF_OpKernelContext_Failure(TF_OpKernelContext* context, TF_Status* status) {
  context->failure = *status;
}
inline void TF_GetInput(TF_OpKernelContext* context, int i, TF_Tensor** tensor, TF_Status*) {
  *tensor = new TF_Tensor(context->inputs.at(i));
}
inline TF_Tensor* TF_AllocateOutput(TF_OpKernelContext* context, int i, TF_DataType,
                                    const int64_t* shape, int rank, size_t, TF_Status*) {
  if (context->outputs.size() <= static_cast<size_t>(i)) context->outputs.resize(i + 1);
  context->outputs[i] = NewTensor({shape, shape + rank}, sizeof(float));
  return new TF_Tensor(context->outputs[i]);
}
inline TF_Tensor* TF_AllocateTemp(TF_OpKernelContext*, TF_DataType, const int64_t* shape, int rank,
                                  TF_AllocatorAttributes*, TF_Status*) {
  return new TF_Tensor(NewTensor({shape, shape + rank}, 1));
}

/** The op's attributes, all as numbers. */
struct TF_OpKernelConstruction {
  std::map<std::string, double> attrs;
  TF_Status failure;
};
inline void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction* op, TF_Status* status) {
  op->failure = *status;
}
template <class T>
void GetAttr(TF_OpKernelConstruction* op, const char* name, T* value, TF_Status* status) {
  const auto found = op->attrs.find(name);
  if (found == op->attrs.end()) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, (std::string("no attribute ") + name).c_str());
  } else {
    *value = static_cast<T>(found->second);
  }
}
inline void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction* op, const char* name,
                                                 float* value, TF_Status* status) {
  GetAttr(op, name, value, status);
}
inline void TF_OpKernelConstruction_GetAttrInt32(TF_OpKernelConstruction* op, const char* name,
                                                 int32_t* value, TF_Status* status) {
  GetAttr(op, name, value, status);
}
inline void TF_OpKernelConstruction_GetAttrBool(TF_OpKernelConstruction* op, const char* name,
                                                TF_Bool* value, TF_Status* status) {
  GetAttr(op, name, value, status);
}

/** No op on GPUs has a list for an attribute. */
inline void TF_OpKernelConstruction_GetAttrSize(TF_OpKernelConstruction*, const char* name, int32_t*,
                                                int32_t*, TF_Status* status) {
  TF_SetStatus(status, TF_INVALID_ARGUMENT, (std::string("no list ") + name).c_str());
}
inline void TF_OpKernelConstruction_GetAttrInt64List(TF_OpKernelConstruction*, const char* name,
                                                     int64_t*, int, TF_Status* status) {
  TF_SetStatus(status, TF_INVALID_ARGUMENT, (std::string("no list ") + name).c_str());
}

struct TF_KernelBuilder {
  std::string op, device;
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*destroy)(void*);
};
/** The kernels that are registered, by their op's name. */
inline std::map<std::string, TF_KernelBuilder>& Registered() {
  static std::map<std::string, TF_KernelBuilder> kernels;
  return kernels;
}
inline TF_KernelBuilder* TF_NewKernelBuilder(const char* op, const char* device,
                                             void* (*create)(TF_OpKernelConstruction*),
                                             void (*compute)(void*, TF_OpKernelContext*),
                                             void (*destroy)(void*)) {
  return new TF_KernelBuilder{op, device, create, compute, destroy};
}
inline void TF_RegisterKernelBuilder(const char* op, TF_KernelBuilder* kernel, TF_Status*) {
  Registered()[op] = *kernel;
  delete kernel;
}
