// Random numbers that are the same with every compiler and library: SplitMix64, and Box-Muller
// for normal ones.
#ifndef QUIVER_BENCH_DATA_SEEDED_RANDOM_H
#define QUIVER_BENCH_DATA_SEEDED_RANDOM_H

#include <cmath>
#include <cstdint>
#include <numbers>

namespace quiver::bench {

class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  // An independent stream for item `item` of the set `seed`.
  SeededRandom(uint64_t seed, uint64_t item) : state_(seed * 0xD1342543DE82EF95ULL + item) {
    state_ = Next();
  }

  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  // Uniform in [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // Uniform in 0 .. n - 1.
  uint64_t Below(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * n) >> 64);
  }

  double Normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    double angle = 2 * std::numbers::pi * Uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }

 private:
  uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_SEEDED_RANDOM_H
