#include "op.h"

#include <functional>
#include <numeric>

#include "spike_bits.h"

namespace spikingformer {

AttrReader::~AttrReader() {
  if (!Ok(status_)) TF_OpKernelConstruction_Failure(op_, status_.get());
}

float AttrReader::Float(const char* name) {
  float value = 0;
  if (Ok(status_)) TF_OpKernelConstruction_GetAttrFloat(op_, name, &value, status_.get());
  return value;
}

int32_t AttrReader::Int(const char* name) {
  int32_t value = 0;
  if (Ok(status_)) TF_OpKernelConstruction_GetAttrInt32(op_, name, &value, status_.get());
  return value;
}

std::vector<int64_t> AttrReader::Ints(const char* name) {
  int32_t length = 0, unused = 0;
  if (Ok(status_)) {
    TF_OpKernelConstruction_GetAttrSize(op_, name, &length, &unused, status_.get());
  }
  std::vector<int64_t> values(Ok(status_) ? length : 0);
  if (values.empty()) return values;
  TF_OpKernelConstruction_GetAttrInt64List(op_, name, values.data(), length, status_.get());
  return values;
}

bool AttrReader::Bool(const char* name) {
  TF_Bool value = 0;
  if (Ok(status_)) TF_OpKernelConstruction_GetAttrBool(op_, name, &value, status_.get());
  return value != 0;
}

Call::~Call() {
  if (!ok()) TF_OpKernelContext_Failure(context_, status_.get());
}

void Call::Fail(const std::string& message) {
  if (ok()) TF_SetStatus(status_.get(), TF_INVALID_ARGUMENT, message.c_str());
}

TF_Tensor* Call::Input(int i) {
  if (!ok()) return nullptr;
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context_, i, &tensor, status_.get());
  tensors_.emplace_back(tensor);
  return tensor;
}

const float* Call::Data(int i, const char* name, int64_t size) {
  return static_cast<const float*>(OfSize(i, name, size));
}

const int32_t* Call::GivenIntegers(int i, const char* name, int64_t size) {
  return static_cast<const int32_t*>(OfSize(i, name, size));
}

const uint32_t* Call::Words(int i, int64_t spikes) {
  return static_cast<const uint32_t*>(OfSize(i, "words", SpikeWords(spikes)));
}

const void* Call::OfSize(int i, const char* name, int64_t size) {
  TF_Tensor* tensor = Input(i);
  if (!tensor) return nullptr;
  const int64_t got = TF_TensorElementCount(tensor);
  if (got != size) {
    Fail(std::string(name) + " must have " + std::to_string(size) + " numbers, but has " +
         std::to_string(got));
    return nullptr;
  }
  return TF_TensorData(tensor);
}

void* Call::Allocate(int i, const std::vector<int64_t>& shape, TF_DataType type, size_t bytes) {
  if (!ok()) return nullptr;
  TF_Tensor* tensor = TF_AllocateOutput(context_, i, type, shape.data(), shape.size(),
                                        CountOf(shape) * bytes, status_.get());
  tensors_.emplace_back(tensor);
  return ok() ? TF_TensorData(tensor) : nullptr;
}

float* Call::Output(int i, const std::vector<int64_t>& shape) {
  return static_cast<float*>(Allocate(i, shape, TF_FLOAT, sizeof(float)));
}

int32_t* Call::Integers(int i, int64_t length) {
  return static_cast<int32_t*>(Allocate(i, {length}, TF_INT32, sizeof(int32_t)));
}

void* Call::Temporary(int64_t bytes) {
  if (!ok()) return nullptr;
  TF_AllocatorAttributes attributes = {};
  attributes.struct_size = TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE;
  TF_Tensor* tensor = TF_AllocateTemp(context_, TF_UINT8, &bytes, 1, &attributes, status_.get());
  tensors_.emplace_back(tensor);
  return ok() ? TF_TensorData(tensor) : nullptr;
}

std::vector<int64_t> Shape(const TF_Tensor* tensor) {
  std::vector<int64_t> shape;
  for (int i = 0; i < TF_NumDims(tensor); i++) shape.push_back(TF_Dim(tensor, i));
  return shape;
}

int64_t CountOf(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

namespace {

/** Shapes are known when an op runs, which is all that eager execution asks. */
void UnknownShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

}  // namespace

void Register(const Definition& definition, void* (*create)(TF_OpKernelConstruction*),
              void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*),
              const Status& status) {
  if (!Ok(status)) return;
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(definition.name);
  for (const char* input : definition.inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : definition.outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  for (const char* attr : definition.attrs) TF_OpDefinitionBuilderAddAttr(op, attr);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, UnknownShapes);
  TF_RegisterOpDefinition(op, status.get());
  RegisterKernel(definition.name, "CPU", create, compute, destroy, status);
}

void RegisterKernel(const char* name, const char* device, void* (*create)(TF_OpKernelConstruction*),
                    void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*),
                    const Status& status) {
  if (!Ok(status)) return;
  TF_KernelBuilder* kernel = TF_NewKernelBuilder(name, device, create, compute, destroy);
  TF_RegisterKernelBuilder(name, kernel, status.get());
}

}  // namespace spikingformer
