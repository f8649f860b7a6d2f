#include "instruction_set.h"

#include <cstdlib>
#include <string>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "tile_loops.h"

namespace spikingformer {
namespace {

/** SPIKINGFORMER_INSTRUCTION_SET, or an empty text. */
std::string GivenSet() {
  const char* given = std::getenv("SPIKINGFORMER_INSTRUCTION_SET");
  return given ? given : "";
}

InstructionSet PickInstructionSet() {
#if defined(__x86_64__)
  const std::string given = GivenSet();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (given == "amx" && HasAmx()) return InstructionSet::kAmx;
  if (avx512 && given != "avx2" && given != "baseline") return InstructionSet::kAvx512;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2 && given != "baseline") return InstructionSet::kAvx2;
#endif
  return InstructionSet::kBaseline;
}

/** Asks the system for it, which a process has to. */
bool GetAmx() {
#if defined(__x86_64__) && defined(__linux__)
  const std::string given = GivenSet();
  if (!tile_loops_exact.pack || (!given.empty() && given != "amx")) return false;
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq")) return false;
  // Leaf 7, bits 22 and 24 of EDX: AMX-BF16 and AMX-TILE.
  constexpr unsigned kTiles = 1u << 22 | 1u << 24;
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || (edx & kTiles) != kTiles) return false;
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

bool HasAmx() {
  static const bool has = GetAmx();
  return has;
}

InstructionSet BestInstructionSet() {
  static const InstructionSet best = PickInstructionSet();
  return best;
}

const char* NameOf(InstructionSet set) {
  switch (set) {
    case InstructionSet::kAmx: return "amx";
    case InstructionSet::kAvx512: return "avx512";
    case InstructionSet::kAvx2: return "avx2";
    default: return "baseline";
  }
}

bool MultipliesBfloat16() {
#if defined(__x86_64__)
  // Leaf 7, subleaf 1, bit 5 of EAX: older compilers do not know it by name.
  unsigned eax, ebx, ecx, edx;
  return BestInstructionSet() >= InstructionSet::kAvx512 &&
         __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 5);
#else
  return false;
#endif
}

}  // namespace spikingformer
