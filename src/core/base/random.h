// Splitmix64 (Steele, Lea, Flood 2014): the one random generator, part of the on-disk format.
#ifndef QUIVER_BASE_RANDOM_H
#define QUIVER_BASE_RANDOM_H

#include <cstdint>

namespace quiver {

class SplitMix64 {
 public:
  explicit constexpr SplitMix64(uint64_t seed) : state_(seed) {}
  // What the i-th call of Next, from 0, would return.
  static constexpr uint64_t At(uint64_t seed, uint64_t i) {
    return SplitMix64(seed + i * kStep).Next();
  }

  constexpr uint64_t Next() {
    state_ += kStep;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  // Uniform in [0, 1).
  constexpr double NextDouble() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15u;

  uint64_t state_;
};

}  // namespace quiver

#endif  // QUIVER_BASE_RANDOM_H
