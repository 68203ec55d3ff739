// QUIVER_TEST_SIMD=scalar|avx2|avx512|neon runs every unit test under that level.
// Exits with 77 (ctest: skipped) where the CPU lacks it, or has none better: that is what runs
// without this.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "distance/kernels.h"

namespace {

class ForcedLevel : public ::testing::Environment {
 public:
  void SetUp() override {
    const char* name = getenv("QUIVER_TEST_SIMD");
    if (name == nullptr || strcmp(name, "auto") == 0) return;
    for (const QuiverSimdLevel level :
         {QUIVER_SIMD_SCALAR, QUIVER_SIMD_AVX2, QUIVER_SIMD_AVX512, QUIVER_SIMD_NEON}) {
      const QuiverKernels* kernels = quiver_kernels_for(level);
      if (kernels != nullptr && strcmp(kernels->name, name) == 0) {
        if (kernels == quiver_kernels_for(QUIVER_SIMD_AUTO)) {
          printf("SIMD level %s is the best one here\n", name);
          exit(77);
        }
        ASSERT_TRUE(quiver_force_simd_level(level));
        printf("forced SIMD level: %s\n", quiver_kernels()->name);
        return;
      }
    }
    printf("SIMD level %s is not to be had here\n", name);
    exit(77);
  }
};

const ::testing::Environment* const forced_level =
    ::testing::AddGlobalTestEnvironment(new ForcedLevel);

}  // namespace
