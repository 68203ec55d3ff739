// The scalar level: the steps of the rotation.  Defines the result that every level repeats.
#include "distance/exact.h"
#include "distance/kernel_sets.h"

namespace quiver::scalar {

void FlipSigns(float* x, const uint64_t* signs, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((signs[i / 64] >> (i % 64)) & 1) x[i] = -x[i];
}

// The order of the additions: strides 1, 2, 4, ... n / 2, then the scale.
void Hadamard(float* x, size_t n) {
  if (n < 2) return;
  for (size_t stride = 1; stride < n; stride *= 2)
    for (size_t base = 0; base < n; base += 2 * stride)
      for (size_t i = base; i < base + stride; i++) {
        const float a = x[i];
        const float b = x[i + stride];
        x[i] = a + b;
        x[i + stride] = a - b;
      }
  const float scale = HadamardScale(n);
  for (size_t i = 0; i < n; i++) x[i] *= scale;
}

void Butterfly(float* x, float* y, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const float a = x[i];
    const float b = y[i];
    x[i] = (a + b) * kSqrtHalf;
    y[i] = (a - b) * kSqrtHalf;
  }
}

}  // namespace quiver::scalar
