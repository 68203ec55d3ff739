// Which level runs: found from the CPU once, or forced.
#include <atomic>
#include <initializer_list>

#include "distance/kernel_sets.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace quiver {
namespace {

// Null until first asked for.  Constant-initialised; a race writes the same value twice.
constinit std::atomic<const QuiverKernels*> in_force{nullptr};

#if defined(__x86_64__)

enum : unsigned { kDetected = 1, kAvx2 = 2, kAvx512 = 4 };

// Constant-initialised like in_force.  CPUID is asked once: a virtual machine
// may trap it, which costs microseconds.
constinit std::atomic<unsigned> features{0};

bool HasF16c() {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

unsigned Features() {
  unsigned found = features.load(std::memory_order_relaxed);
  if (found != 0) return found;
  found = kDetected;
  // __builtin_cpu_supports asks the operating system's XSAVE mask too.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("popcnt") && HasF16c()) {
    found |= kAvx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512vpopcntdq"))
      found |= kAvx512;
  }
  features.store(found, std::memory_order_relaxed);
  return found;
}

#endif

const QuiverKernels* Best() {
  for (const QuiverSimdLevel level : {QUIVER_SIMD_NEON, QUIVER_SIMD_AVX512, QUIVER_SIMD_AVX2})
    if (const QuiverKernels* kernels = quiver_kernels_for(level)) return kernels;
  return &scalar::kKernels;
}

}  // namespace
}  // namespace quiver

extern "C" const QuiverKernels* quiver_kernels_for(QuiverSimdLevel level) {
  switch (level) {
    case QUIVER_SIMD_AUTO:
      return quiver::Best();
    case QUIVER_SIMD_SCALAR:
      return &quiver::scalar::kKernels;
#if defined(__x86_64__)
    case QUIVER_SIMD_AVX2:
      return (quiver::Features() & quiver::kAvx2) != 0 ? &quiver::avx2::kKernels : nullptr;
    case QUIVER_SIMD_AVX512:
      return (quiver::Features() & quiver::kAvx512) != 0 ? &quiver::avx512::kKernels : nullptr;
#elif defined(__aarch64__)
    case QUIVER_SIMD_NEON:
      return &quiver::neon::kKernels;
#endif
    default:
      return nullptr;
  }
}

extern "C" const QuiverKernels* quiver_kernels(void) {
  const QuiverKernels* kernels = quiver::in_force.load(std::memory_order_relaxed);
  if (kernels == nullptr) {
    kernels = quiver::Best();
    quiver::in_force.store(kernels, std::memory_order_relaxed);
  }
  return kernels;
}

extern "C" bool quiver_force_simd_level(QuiverSimdLevel level) {
  const QuiverKernels* kernels = quiver_kernels_for(level);
  if (kernels == nullptr) return false;
  quiver::in_force.store(kernels, std::memory_order_relaxed);
  return true;
}
