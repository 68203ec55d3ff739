#include "code/rotation.h"

#include "base/bits.h"
#include "base/random.h"

namespace quiver {

void MakeRotationSigns(uint64_t seed, size_t dim, uint64_t* words) {
  SplitMix64 random(seed);
  for (size_t i = 0; i < RotationSignWords(dim); i++) words[i] = random.Next();
}

void Rotate(const QuiverKernels& kernels, const uint64_t* words, float* x, size_t dim) {
  const size_t stride = DivideUp(dim, 64);
  const size_t power = FloorPowerOfTwo(dim);
  const size_t half = dim / 2;
  for (int round = 0; round < kRotationRounds; round++) {
    kernels.flip_signs(x, words, dim);
    kernels.hadamard(x, power);
    kernels.flip_signs(x, words + stride, dim);
    kernels.hadamard(x + dim - power, power);
    kernels.butterfly(x, x + dim - half, half);
    words += 2 * stride;
  }
}

void RotateBack(const QuiverKernels& kernels, const uint64_t* words, float* x, size_t dim) {
  const size_t stride = DivideUp(dim, 64);
  const size_t power = FloorPowerOfTwo(dim);
  const size_t half = dim / 2;
  // Each step but the order is its own inverse.
  words += RotationSignWords(dim);
  for (int round = 0; round < kRotationRounds; round++) {
    words -= 2 * stride;
    kernels.butterfly(x, x + dim - half, half);
    kernels.hadamard(x + dim - power, power);
    kernels.flip_signs(x, words + stride, dim);
    kernels.hadamard(x, power);
    kernels.flip_signs(x, words, dim);
  }
}

}  // namespace quiver
