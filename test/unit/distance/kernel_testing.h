// What the kernel tests share: the levels of this CPU, sizes, seeded data, and
// arrays that end at a page nobody may touch.
#ifndef QUIVER_TEST_KERNEL_TESTING_H
#define QUIVER_TEST_KERNEL_TESTING_H

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/f16.h"
#include "base/random.h"
#include "distance/kernels.h"

namespace quiver::testing {

inline std::vector<const QuiverKernels*> Levels() {
  std::vector<const QuiverKernels*> levels;
  for (const QuiverSimdLevel level :
       {QUIVER_SIMD_SCALAR, QUIVER_SIMD_AVX2, QUIVER_SIMD_AVX512, QUIVER_SIMD_NEON})
    if (const QuiverKernels* kernels = quiver_kernels_for(level)) levels.push_back(kernels);
  return levels;
}

// Every tail of every unrolled loop, then the sizes people use, then the limit.
inline std::vector<size_t> Dimensions() {
  std::vector<size_t> dims;
  for (size_t dim = 0; dim <= 130; dim++) dims.push_back(dim);
  for (const size_t dim : {384, 768, 784, 1000, 1536, 16000}) dims.push_back(dim);
  return dims;
}

// n elements whose end (past `slack` bytes that may be read) is the end of the
// mapped memory: reading or writing further is a fault, in any build.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t n, size_t slack = 0) : size_(n) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t used = (n * sizeof(T) + slack + page - 1) / page * page;
    bytes_ = used + page;
    map_ = static_cast<char*>(
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(static_cast<void*>(map_), MAP_FAILED);
    EXPECT_EQ(mprotect(map_ + used, page, PROT_NONE), 0);
    data_ = reinterpret_cast<T*>(map_ + used - slack - n * sizeof(T));
  }
  explicit Guarded(const std::vector<T>& from, size_t slack = 0) : Guarded(from.size(), slack) {
    if (!from.empty()) memcpy(data_, from.data(), from.size() * sizeof(T));
  }
  ~Guarded() { munmap(map_, bytes_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  size_t size_;
  size_t bytes_;
  char* map_;
  T* data_;
};

inline std::vector<float> RandomFloats(size_t n, uint64_t seed, float scale = 1.0f) {
  SplitMix64 random(seed);
  std::vector<float> out(n);
  for (float& x : out) x = static_cast<float>(random.NextDouble() * 2 - 1) * scale;
  return out;
}

// Integers -bound .. bound: sums of their products are exact in any order.
inline std::vector<float> SmallIntegers(size_t n, uint64_t seed, int bound) {
  SplitMix64 random(seed);
  std::vector<float> out(n);
  for (float& x : out)
    x = static_cast<float>(
        static_cast<int>(random.Next() % (2 * static_cast<unsigned>(bound) + 1)) - bound);
  return out;
}

// Standard normal, by the sum of twelve uniforms.
inline std::vector<float> Gaussians(size_t n, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<float> out(n);
  for (float& x : out) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += random.NextDouble();
    x = static_cast<float>(sum);
  }
  return out;
}

inline std::vector<uint16_t> ToHalves(const std::vector<float>& in) {
  std::vector<uint16_t> out(in.size());
  for (size_t i = 0; i < in.size(); i++) out[i] = F32ToF16(in[i]);
  return out;
}

inline std::vector<float> ToFloats(const std::vector<uint16_t>& in) {
  std::vector<float> out(in.size());
  for (size_t i = 0; i < in.size(); i++) out[i] = F16ToF32(in[i]);
  return out;
}

inline std::vector<uint8_t> RandomBytes(size_t n, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<uint8_t> out(n);
  for (uint8_t& x : out) x = static_cast<uint8_t>(random.Next() >> 32);
  return out;
}

// What a float sum over dim terms of total magnitude `magnitude` may be off by:
// every level adds at most dim / 16 + 10 times into one partial sum.
inline double SumBound(size_t dim, double magnitude) {
  return (static_cast<double>(dim) / 16 + 16) * 0x1.0p-24 * magnitude + 1e-44;
}

inline bool SameBits(float a, float b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace quiver::testing

#endif  // QUIVER_TEST_KERNEL_TESTING_H
