// compile_kernels LIBNVRTC SOURCES FOLDER: compiles SOURCES/kernels.cu into FOLDER by CUDA's
// runtime compiler, which is loaded from the file LIBNVRTC. No GPU, no nvcc and no headers of
// CUDA's are needed. It leaves kernels.sm_80.cubin and so on, one for each generation of GPUs,
// which any driver of the same CUDA generation loads, and kernels.ptx, which newer drivers compile
// for GPUs of later generations. Prints their names.
#include <dlfcn.h>

#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Program = void*;

/** A function of the library, whose type NVIDIA's documentation of NVRTC tells. */
template <class F>
F* Find(void* library, const char* name) {
  void* const found = dlsym(library, name);
  if (!found) throw std::runtime_error(std::string("the library has no ") + name);
  return reinterpret_cast<F*>(found);
}

class Nvrtc {
 public:
  explicit Nvrtc(const char* path) : library_(dlopen(path, RTLD_NOW)) {
    if (!library_) throw std::runtime_error(dlerror());
  }

  void Check(int result) const {
    if (result == 0) return;
    throw std::runtime_error(Find<const char*(int)>(library_, "nvrtcGetErrorString")(result));
  }

  /** Such as 75 and 80, rising. */
  std::vector<int> Architectures() const {
    int count = 0;
    Check(Find<int(int*)>(library_, "nvrtcGetNumSupportedArchs")(&count));
    std::vector<int> architectures(count);
    Check(Find<int(int*)>(library_, "nvrtcGetSupportedArchs")(architectures.data()));
    return architectures;
  }

  /** Runs the compiler; the program's log is in what it throws. */
  Program Compile(const std::string& source, const std::vector<const char*>& options) const {
    Program program = nullptr;
    Check(
        Find<int(Program*, const char*, const char*, int, const char* const*, const char* const*)>(
            library_, "nvrtcCreateProgram")(&program, source.c_str(), "kernels.cu", 0, nullptr,
                                            nullptr));
    const int result = Find<int(Program, int, const char* const*)>(library_, "nvrtcCompileProgram")(
        program, static_cast<int>(options.size()), options.data());
    if (result != 0) throw std::runtime_error(Get(program, "nvrtcGetProgramLog"));
    return program;
  }

  /** `what` is nvrtcGetPTX, nvrtcGetCUBIN or nvrtcGetProgramLog; their sizes' functions end in
   * Size. */
  std::string Get(Program program, const std::string& what) const {
    size_t size = 0;
    Check(Find<int(Program, size_t*)>(library_, (what + "Size").c_str())(program, &size));
    std::string text(size, '\0');
    Check(Find<int(Program, char*)>(library_, what.c_str())(program, text.data()));
    return text;
  }

 private:
  void* library_;
};

std::string Read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error(path + " cannot be read");
  return text.str();
}

void Write(const std::string& folder, const std::string& name, const std::string& bytes) {
  std::ofstream file(folder + "/" + name, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) throw std::runtime_error(folder + "/" + name + " cannot be written");
  std::cout << name << std::endl;
}

void CompileAll(const Nvrtc& nvrtc, const std::string& sources, const std::string& folder) {
  const std::string source = Read(sources + "/kernels.cu"), include = "-I" + sources;
  const auto compile = [&](const std::string& target) {
    const std::string architecture = "--gpu-architecture=" + target;
    // Each operation is rounded as the composed form rounds it; what has no mark is a function of
    // the GPU.
    return nvrtc.Compile(source, {architecture.c_str(), include.c_str(), "--std=c++17",
                                  "--fmad=false", "--device-as-default-execution-space"});
  };
  const std::vector<int> architectures = nvrtc.Architectures();
  int generation = 0;
  for (const int architecture : architectures) {
    if (architecture / 10 == generation)
      continue;  // runs what is built for the first of its generation
    generation = architecture / 10;
    const std::string name = "sm_" + std::to_string(architecture);
    Write(folder, "kernels." + name + ".cubin", nvrtc.Get(compile(name), "nvrtcGetCUBIN"));
  }
  const std::string first = "compute_" + std::to_string(architectures.front());
  const std::string ptx = nvrtc.Get(compile(first), "nvrtcGetPTX");
  Write(folder, "kernels.ptx", ptx.c_str());  // without the zero that ends it
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: compile_kernels LIBNVRTC SOURCES FOLDER" << std::endl;
    return 2;
  }
  try {
    CompileAll(Nvrtc(arguments[1]), arguments[2], arguments[3]);
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << std::endl;
    return 1;
  }
  return 0;
}
