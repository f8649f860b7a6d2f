// What of the processor the loops use: which instruction set, and AMX.
#pragma once

namespace spikingformer {

/** The same loops, compiled for each instruction set. */
template <class T>
struct Variants {
  const T &baseline, &avx2, &avx512;
};
#if defined(__x86_64__)
#define VARIANTS(name) {name##_baseline, name##_avx2, name##_avx512}
#else
#define VARIANTS(name) {name##_baseline, name##_baseline, name##_baseline}
#endif

/** Each has what those before it have; AMX is for products alone. */
enum class InstructionSet { kBaseline, kAvx2, kAvx512, kAmx };

/**
 * The best that this processor runs, at most that of SPIKINGFORMER_INSTRUCTION_SET; AMX only if
 * that names it.
 */
InstructionSet BestInstructionSet();
const char* NameOf(InstructionSet set);

/**
 * Whether this process may multiply bfloat16 by AMX: unless SPIKINGFORMER_INSTRUCTION_SET names a
 * lesser set.
 */
bool HasAmx();

/** Whether the processor has AVX512-BF16, and may be used to that extent. */
bool MultipliesBfloat16();

template <class T>
const T& Best(const Variants<T>& variants) {
  switch (BestInstructionSet()) {
    case InstructionSet::kAmx:
    case InstructionSet::kAvx512: return variants.avx512;
    case InstructionSet::kAvx2: return variants.avx2;
    default: return variants.baseline;
  }
}

}  // namespace spikingformer
