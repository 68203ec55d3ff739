// Bit strings: counts of every level against a count bit by bit.
#include "distance/kernel_testing.h"

namespace quiver::testing {
namespace {

struct Counts {
  uint64_t differ = 0, both = 0, either = 0;

  Counts(const uint8_t* a, const uint8_t* b, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
      differ += static_cast<uint64_t>(__builtin_popcount(a[i] ^ b[i]));
      both += static_cast<uint64_t>(__builtin_popcount(a[i] & b[i]));
      either += static_cast<uint64_t>(__builtin_popcount(a[i] | b[i]));
    }
  }
};

TEST(BitKernels, HammingAndJaccard) {
  for (const QuiverKernels* k : Levels())
    for (size_t bytes = 0; bytes <= 300; bytes++) {
      const std::vector<uint8_t> a = RandomBytes(bytes, bytes);
      const std::vector<uint8_t> b = RandomBytes(bytes, bytes + 1000);
      const Counts want(a.data(), b.data(), bytes);
      const Guarded<uint8_t> x(a);
      const Guarded<uint8_t> y(b);
      EXPECT_EQ(k->hamming(x.data(), y.data(), bytes), want.differ) << k->name << " " << bytes;
      uint64_t both, either;
      k->jaccard(x.data(), y.data(), bytes, &both, &either);
      EXPECT_EQ(both, want.both) << k->name << " " << bytes;
      EXPECT_EQ(either, want.either) << k->name << " " << bytes;
    }
}

TEST(BitKernels, LongStringsOfOnes) {
  const std::vector<uint8_t> ones(8000, 0xFF);
  const std::vector<uint8_t> zeros(8000, 0);
  for (const QuiverKernels* k : Levels())
    EXPECT_EQ(k->hamming(ones.data(), zeros.data(), ones.size()), 64000u) << k->name;
}

constexpr size_t kSlack = 64;  // what may be read past the last code

// Between codes and after the last there are ones, which must not be counted.
void CheckMany(const QuiverKernels* k, size_t bytes, size_t stride, size_t count) {
  SCOPED_TRACE(::testing::Message()
               << k->name << " bytes " << bytes << " stride " << stride << " count " << count);
  std::vector<uint8_t> noise = RandomBytes(count * stride, bytes + count);
  for (size_t j = 0; j < count; j++)
    std::fill_n(noise.begin() + static_cast<ptrdiff_t>(j * stride + bytes), stride - bytes, 0xFF);
  Guarded<uint8_t> codes(noise, kSlack);
  memset(codes.data() + codes.size(), 0xFF, kSlack);
  const Guarded<uint8_t> query(RandomBytes(bytes, bytes + 1));
  Guarded<uint32_t> differ(count), both(count), either(count);
  k->hamming_many(query.data(), codes.data(), stride, count, bytes, differ.data());
  k->jaccard_many(query.data(), codes.data(), stride, count, bytes, both.data(), either.data());
  for (size_t j = 0; j < count; j++) {
    const Counts want(query.data(), noise.data() + j * stride, bytes);
    ASSERT_EQ(differ[j], want.differ) << "code " << j;
    ASSERT_EQ(both[j], want.both) << "code " << j;
    ASSERT_EQ(either[j], want.either) << "code " << j;
  }
}

TEST(BitKernels, ManyOfEveryLength) {
  for (const QuiverKernels* k : Levels()) {
    for (size_t bytes = 0; bytes <= 330; bytes++) {
      CheckMany(k, bytes, bytes, 1 + bytes % 37);
      CheckMany(k, bytes, bytes + bytes % 5, 13);
    }
    for (const size_t bytes : {1024, 2047, 4000, 8000}) CheckMany(k, bytes, bytes, 5);
  }
}

TEST(BitKernels, ManyOfEveryCount) {
  for (const QuiverKernels* k : Levels())
    for (size_t count = 0; count <= 70; count++)
      for (const size_t bytes : {1, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 200, 256, 300})
        CheckMany(k, bytes, bytes, count);
}

// The largest counts there are: no intermediate may overflow.
TEST(BitKernels, ManyOfOnes) {
  for (const QuiverKernels* k : Levels())
    for (const size_t bytes : {8, 16, 32, 64, 96, 128, 192, 248, 256, 300, 1000, 8000}) {
      SCOPED_TRACE(::testing::Message() << k->name << " " << bytes);
      const std::vector<uint8_t> ones(9 * bytes + kSlack, 0xFF);
      const std::vector<uint8_t> zeros(bytes, 0);
      uint32_t differ[9], both[9], either[9];
      k->hamming_many(zeros.data(), ones.data(), bytes, 9, bytes, differ);
      k->jaccard_many(ones.data(), ones.data(), bytes, 9, bytes, both, either);
      for (size_t j = 0; j < 9; j++) {
        EXPECT_EQ(differ[j], 8 * bytes);
        EXPECT_EQ(both[j], 8 * bytes);
        EXPECT_EQ(either[j], 8 * bytes);
      }
    }
}

}  // namespace
}  // namespace quiver::testing
