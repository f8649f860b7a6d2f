// Runs one op, whose kernels for GPUs run on this CPU. Standard input: lines `op NAME`, `attr NAME NUMBER` and
// `input SIDE...`, a line that is empty, then the inputs' numbers. Standard output: a line with the outputs' shapes
// as JSON, then their numbers; or the op's error on standard error, and status 1.
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "cuda/ops.h"
#include "neurons.h"

namespace {

TF_Tensor ReadTensor(std::istringstream& line) {
  std::vector<int64_t> shape;
  for (int64_t side; line >> side;) shape.push_back(side);
  return NewTensor(shape, sizeof(float));
}

void Write(const std::vector<TF_Tensor>& tensors) {
  std::string shapes;
  for (const TF_Tensor& tensor : tensors) {
    std::string sides;
    for (const int64_t side : tensor.shape) sides += (sides.empty() ? "" : ",") + std::to_string(side);
    shapes += (shapes.empty() ? "[" : ",[") + sides + "]";
  }
  std::cout << "[" << shapes << "]\n";
  for (const TF_Tensor& tensor : tensors) std::cout.write(tensor.bytes->data(), tensor.bytes->size());
}

/** The attributes that have them: "surrogate: int = 0". */
void SetDefaults(TF_OpKernelConstruction& construction) {
  for (const std::string attr : spikingformer::kNeuronAttrs) {
    const size_t given = attr.find(" = ");
    if (given == std::string::npos) continue;
    const std::string value = attr.substr(given + 3);
    const double number = value == "true" ? 1 : std::strtod(value.c_str(), nullptr);
    construction.attrs[attr.substr(0, attr.find(':'))] = number;
  }
}

int Fail(const std::string& message) {
  std::cerr << message << std::endl;
  return 1;
}

}  // namespace

int main() {
  std::string name;
  TF_OpKernelConstruction construction;
  TF_OpKernelContext context;
  SetDefaults(construction);
  for (std::string text; std::getline(std::cin, text) && !text.empty();) {
    std::istringstream line(text);
    std::string what, attr, number;
    line >> what;
    if (what == "op") line >> name;
    if (what == "attr" && line >> attr >> number) {
      construction.attrs[attr] = std::strtod(number.c_str(), nullptr);  // Infinity too
    }
    if (what == "input") context.inputs.push_back(ReadTensor(line));
  }
  for (const TF_Tensor& input : context.inputs) {
    std::cin.read(input.bytes->data(), static_cast<std::streamsize>(input.bytes->size()));
  }
  if (!std::cin) return Fail("the inputs end too early");

  const spikingformer::Status status(TF_NewStatus());
  spikingformer::RegisterAllOnGpu(status);
  const auto kernel = Registered().find(name);
  if (kernel == Registered().end()) return Fail("no op " + name);
  void* const attrs = kernel->second.create(&construction);
  if (construction.failure.code == TF_OK) kernel->second.compute(attrs, &context);
  kernel->second.destroy(attrs);
  for (const TF_Status& failure : {construction.failure, context.failure}) {
    if (failure.code != TF_OK) return Fail(failure.message);
  }
  Write(context.outputs);
  return 0;
}
