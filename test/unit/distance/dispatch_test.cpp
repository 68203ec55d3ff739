// The table of levels: what it offers, and that a forced level is the one that runs.
#include <set>
#include <string>

#include "distance/kernel_testing.h"

namespace quiver::testing {
namespace {

// Leaves the level as it was.
class Dispatch : public ::testing::Test {
 protected:
  void TearDown() override { quiver_force_simd_level(before_); }
  const QuiverSimdLevel before_ = quiver_kernels()->level;
};

TEST_F(Dispatch, ScalarIsAlwaysThere) {
  ASSERT_NE(quiver_kernels_for(QUIVER_SIMD_SCALAR), nullptr);
  EXPECT_STREQ(quiver_kernels_for(QUIVER_SIMD_SCALAR)->name, "scalar");
}

TEST_F(Dispatch, AutoIsTheBest) {
  ASSERT_TRUE(quiver_force_simd_level(QUIVER_SIMD_AUTO));
  EXPECT_EQ(quiver_kernels(), Levels().back());
  EXPECT_EQ(quiver_kernels(), quiver_kernels_for(QUIVER_SIMD_AUTO));
}

TEST_F(Dispatch, TablesAreComplete) {
  std::set<std::string> names;
  for (const QuiverKernels* kernels : Levels()) {
    EXPECT_TRUE(names.insert(kernels->name).second);
    EXPECT_EQ(quiver_kernels_for(kernels->level), kernels);
    // Everything after name and level is a function pointer.
    const auto* table = reinterpret_cast<const char*>(kernels);
    for (size_t at = offsetof(QuiverKernels, l2sq_f32); at < sizeof *kernels; at += sizeof(void*)) {
      void* entry;
      memcpy(&entry, table + at, sizeof entry);
      EXPECT_NE(entry, nullptr) << kernels->name << " at " << at;
    }
  }
}

TEST_F(Dispatch, MissingLevelChangesNothing) {
  for (const QuiverSimdLevel level :
       {QUIVER_SIMD_AVX2, QUIVER_SIMD_AVX512, QUIVER_SIMD_NEON, static_cast<QuiverSimdLevel>(7)}) {
    if (quiver_kernels_for(level) != nullptr) continue;
    const QuiverKernels* before = quiver_kernels();
    EXPECT_FALSE(quiver_force_simd_level(level));
    EXPECT_EQ(quiver_kernels(), before);
  }
}

// Levels add in different orders, so long sums tell them apart: each level gives
// a result of its own, and the forced level gives exactly that.
TEST_F(Dispatch, TheForcedLevelRuns) {
  const size_t dim = 999;
  const auto levels = Levels();
  std::vector<std::vector<float>> results(levels.size());
  for (uint64_t seed = 0; seed < 50; seed++) {
    const std::vector<float> a = RandomFloats(dim, 2 * seed);
    const std::vector<float> b = RandomFloats(dim, 2 * seed + 1);
    for (size_t i = 0; i < levels.size(); i++) {
      ASSERT_TRUE(quiver_force_simd_level(levels[i]->level));
      EXPECT_STREQ(quiver_kernels()->name, levels[i]->name);
      const float result = quiver_kernels()->ip_f32(a.data(), b.data(), dim);
      EXPECT_TRUE(SameBits(result, levels[i]->ip_f32(a.data(), b.data(), dim)));
      results[i].push_back(result);
    }
  }
  for (size_t i = 0; i < levels.size(); i++)
    for (size_t j = 0; j < i; j++)
      EXPECT_NE(results[i], results[j]) << levels[i]->name << " ran as " << levels[j]->name;
}

}  // namespace
}  // namespace quiver::testing
