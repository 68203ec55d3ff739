// What the levels must agree on to the last bit.
#ifndef QUIVER_DISTANCE_EXACT_H
#define QUIVER_DISTANCE_EXACT_H

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace quiver {

constexpr float kSqrtHalf = 0x1.6a09e6p-1f;

// The products that must be rounded before they are added.  Compilers fuse
// a * b + c where the target has FMA and -ffp-contract is not off; the empty
// statement hides the product from them.
#if defined(__x86_64__)
#define QUIVER_ROUNDED(product) __asm__("" : "+v"(product))
#elif defined(__aarch64__)
#define QUIVER_ROUNDED(product) __asm__("" : "+w"(product))
#else
#define QUIVER_ROUNDED(product) static_cast<void>(product)
#endif

// Below this a query counts as zero: 127 / x would overflow.
constexpr float kLeastQuery = 1e-36f;

// <r, r> decides the cells of a code of 2 and more bits, so its sum has a fixed
// order: component i goes to partial sum i % kSumLanes in ascending order, and
// the partial sums are folded in halves (j with j + 16, then j + 8, ... j + 1).
constexpr size_t kSumLanes = 32;

// 1 / the width of a cell of EncodeEdge's quantizer: the uniform quantizer of
// least mean square error for a Gaussian (Max 1960) of mean square n2 / dim.
// 0 where the residual is 0, which puts every component into the cell above 0.
static inline float InverseCellWidth(float n2, size_t dim, int bits) {
  if (!(n2 > 0)) return 0.0f;
  const double width = bits == 2 ? 0.9957 : 0.3352;
  return static_cast<float>(std::sqrt(static_cast<double>(dim) / static_cast<double>(n2)) / width);
}

// 1 / sqrt(n) for a power of two.
static inline float HadamardScale(size_t n) {
  const int log2n = __builtin_ctzll(static_cast<unsigned long long>(n));
  const float half = std::ldexp(1.0f, -(log2n / 2));
  return log2n % 2 == 0 ? half : half * kSqrtHalf;
}

}  // namespace quiver

#endif  // QUIVER_DISTANCE_EXACT_H
