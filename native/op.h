// What every op here needs of TensorFlow's C API: attributes, tensors, errors, registration.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "instruction_set.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace spikingformer {

struct DeleteStatus {
  void operator()(TF_Status* status) const { TF_DeleteStatus(status); }
};
struct DeleteTensor {
  void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
};
using Status = std::unique_ptr<TF_Status, DeleteStatus>;
using Tensor = std::unique_ptr<TF_Tensor, DeleteTensor>;

inline bool Ok(const Status& status) { return TF_GetCode(status.get()) == TF_OK; }

/** Reads an op's attributes; the first that is missing fails its construction. */
class AttrReader {
 public:
  explicit AttrReader(TF_OpKernelConstruction* op) : op_(op), status_(TF_NewStatus()) {}
  ~AttrReader();
  float Float(const char* name);
  int32_t Int(const char* name);
  std::vector<int64_t> Ints(const char* name);
  bool Bool(const char* name);

 private:
  TF_OpKernelConstruction* op_;
  Status status_;
};

/** One call of an op: its tensors, by their place, and its first error. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call();
  bool ok() const { return Ok(status_); }
  void Fail(const std::string& message);

  /** Null after an error. */
  TF_Tensor* Input(int i);
  /** The numbers of an input, of which there must be `size`. */
  const float* Data(int i, const char* name, int64_t size);
  /** An input of so many integers. */
  const int32_t* GivenIntegers(int i, const char* name, int64_t size);
  /** An input that is so many spikes as bits: spike_bits.h. */
  const uint32_t* Words(int i, int64_t spikes);
  float* Output(int i, const std::vector<int64_t>& shape);
  /** An output of so many integers. */
  int32_t* Integers(int i, int64_t length);
  /** Memory of the op's device that lasts as long as the call; null after an error. */
  void* Temporary(int64_t bytes);

 private:
  const void* OfSize(int i, const char* name, int64_t size);
  void* Allocate(int i, const std::vector<int64_t>& shape, TF_DataType type, size_t bytes);

  TF_OpKernelContext* context_;
  Status status_;
  std::vector<Tensor> tensors_;
};

std::vector<int64_t> Shape(const TF_Tensor* tensor);

/** How many numbers a tensor of that shape has. */
int64_t CountOf(const std::vector<int64_t>& shape);

/** An op as TensorFlow writes it down: "x: float" and so on. */
struct Definition {
  const char* name;
  std::vector<const char*> inputs, outputs, attrs;
};

/** Registers an op and its kernel for CPUs, unless `status` has an error already. */
void Register(const Definition& definition, void* (*create)(TF_OpKernelConstruction*),
              void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*),
              const Status& status);

/** The same of a kernel alone, for another device, "GPU", of an op that is registered. */
void RegisterKernel(const char* name, const char* device, void* (*create)(TF_OpKernelConstruction*),
                    void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*),
                    const Status& status);

}  // namespace spikingformer
