// The hash of bytes: the values fixed by the on-disk format, and how well it spreads.
#include "base/hash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"

namespace quiver {
namespace {

// On disk for ever: a change here breaks every index.
TEST(Hash, FixedValues) {
  EXPECT_EQ(HashBytes("", 0, 0), 0x1FBF222F1CE6753Bu);
  EXPECT_EQ(HashBytes(nullptr, 0, 1), 0xFCD90C637818B63Eu);
  EXPECT_EQ(HashBytes("a", 1, 0), 0x42B7937EC02BD7A3u);
  EXPECT_EQ(HashBytes("0123456789abcdef", 16, 0), 0xC65AC5CB300FEACCu);
  EXPECT_EQ(HashBytes("0123456789abcdefg", 17, 42), 0x1F4938395A441571u);
}

TEST(Hash, LengthsOfZerosDiffer) {
  const std::vector<uint8_t> zeros(1000, 0);
  std::set<uint64_t> seen;
  for (size_t n = 0; n <= zeros.size(); n++) seen.insert(HashBytes(zeros.data(), n, 0));
  EXPECT_EQ(seen.size(), zeros.size() + 1);
}

TEST(Hash, DoesNotDependOnAlignment) {
  const std::string text = "the same sixty-odd bytes at every address, aligned or not, please";
  std::vector<char> buffer(text.size() + 16);
  for (size_t offset = 0; offset < 16; offset++) {
    memcpy(buffer.data() + offset, text.data(), text.size());
    EXPECT_EQ(HashBytes(buffer.data() + offset, text.size(), 5),
              HashBytes(text.data(), text.size(), 5));
  }
}

// Each input bit flips each output bit with probability 1/2: over 400 inputs the
// share has standard deviation 0.025; 0.15 is six of them.
TEST(Hash, EveryInputBitFlipsHalfOfTheOutput) {
  SplitMix64 random(3);
  for (const size_t bytes : {1, 4, 8, 16, 24}) {
    const int trials = 400;
    std::vector<int> flips(bytes * 8 * 64, 0);
    for (int trial = 0; trial < trials; trial++) {
      std::vector<uint8_t> data(bytes);
      for (uint8_t& byte : data) byte = static_cast<uint8_t>(random.Next());
      const uint64_t seed = random.Next();
      const uint64_t before = HashBytes(data.data(), bytes, seed);
      for (size_t bit = 0; bit < bytes * 8; bit++) {
        data[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
        const uint64_t changed = before ^ HashBytes(data.data(), bytes, seed);
        data[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
        for (size_t out = 0; out < 64; out++)
          flips[bit * 64 + out] += static_cast<int>((changed >> out) & 1);
      }
    }
    for (const int count : flips)
      ASSERT_NEAR(static_cast<double>(count) / trials, 0.5, 0.15) << bytes << " bytes";
  }
}

// 2^18 counters: no two alike (expected collisions 2e-9), and buckets by the low
// and the high 10 bits fill evenly (chi-square of 1023 degrees: sd 45; 5 of them).
TEST(Hash, CountersSpread) {
  std::set<uint64_t> seen;
  std::vector<int> low(1024, 0), high(1024, 0);
  const int n = 1 << 18;
  for (uint64_t i = 0; i < n; i++) {
    const uint64_t hash = HashBytes(&i, sizeof i, 0);
    seen.insert(hash);
    low[hash & 1023]++;
    high[hash >> 54]++;
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(n));
  for (const auto& buckets : {low, high}) {
    double chi = 0;
    for (const int count : buckets) chi += std::pow(count - n / 1024.0, 2) / (n / 1024.0);
    EXPECT_NEAR(chi, 1023, 226);
  }
}

}  // namespace
}  // namespace quiver
