// The random rotation that vectors are stored under (DESIGN: docs/design.md, "The idea").
//
// Part of the on-disk format: algorithm number, seed and dimension fix it for
// ever, on every CPU, to the last bit.  Orthogonal for any dimension, no
// padding, O(d log d).  Algorithm 1, with 2^k the largest power of two <= d, two
// rounds of: random signs; a Walsh-Hadamard transform of the first 2^k
// components; random signs; one of the last 2^k; a butterfly between the first
// and the last d / 2 components.  The second signs matter: without them the two
// transforms nearly cancel where d is little more than 2^k
// (docs/decisions/0005-rotation.md has the measurements).
//
// Components are summed unscaled: scale vectors whose components exceed 1e30
// before they come here.
#ifndef QUIVER_CODE_ROTATION_H
#define QUIVER_CODE_ROTATION_H

#include <cstddef>
#include <cstdint>

#include "distance/kernels.h"

namespace quiver {

constexpr uint32_t kRotationAlgorithm = 1;
constexpr int kRotationRounds = 2;

// Number of 64-bit words that MakeRotationSigns fills.
constexpr size_t RotationSignWords(size_t dim) {
  return 2 * kRotationRounds * ((dim + 63) / 64);
}

// Fills `words` (RotationSignWords(dim) of them) from `seed`.
void MakeRotationSigns(uint64_t seed, size_t dim, uint64_t* words);

// Rotates x in place.
void Rotate(const QuiverKernels& kernels, const uint64_t* words, float* x, size_t dim);

// Undoes Rotate (for the verifier and tests), up to float rounding.
void RotateBack(const QuiverKernels& kernels, const uint64_t* words, float* x, size_t dim);

}  // namespace quiver

#endif  // QUIVER_CODE_ROTATION_H
