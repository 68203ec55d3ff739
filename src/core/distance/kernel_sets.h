// The kernels of every level by name, for the tables and nobody else.
//
// A level is a namespace; its functions are spread over five files: kernels_*
// (distances, conversion and the table), bits_*, codes_*, sparse_* and steps_*.  Each
// function carries the level's target attribute itself, helpers and templates
// too, and all of them are internal to their file or named here: a file compiled
// for one instruction set must not lend the linker a shared inline function.
#ifndef QUIVER_DISTANCE_KERNEL_SETS_H
#define QUIVER_DISTANCE_KERNEL_SETS_H

#include "distance/kernels.h"

#pragma GCC visibility push(hidden)

namespace quiver {

#define QUIVER_DECLARE_LEVEL(level)                                                               \
  namespace level {                                                                               \
  void FlipSigns(float* x, const uint64_t* signs, size_t n);                                      \
  void Hadamard(float* x, size_t n);                                                              \
  void Butterfly(float* x, float* y, size_t n);                                                   \
  int32_t QuantizeI8(const float* x, size_t dim, int8_t* out, float* step);                       \
  void CodeDots(const uint8_t* codes, size_t stride, size_t count, size_t dim, int bits,          \
                const int8_t* query, int32_t query_sum, int32_t* dots);                           \
  void EncodeEdge(const float* c, const float* o, const float* mu, size_t dim, int bits,          \
                  uint8_t* code, QuiverEdgeTerms* terms);                                         \
  uint64_t Hamming(const uint8_t* a, const uint8_t* b, size_t bytes);                             \
  void Jaccard(const uint8_t* a, const uint8_t* b, size_t bytes, uint64_t* both,                  \
               uint64_t* either);                                                                 \
  void HammingMany(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,       \
                   size_t bytes, uint32_t* out);                                                  \
  void JaccardMany(const uint8_t* query, const uint8_t* codes, size_t stride, size_t count,       \
                   size_t bytes, uint32_t* both, uint32_t* either);                               \
  float SparseL2Squared(const QuiverSparseQuery* query, const uint32_t* indices,                  \
                        const float* values, size_t count);                                       \
  float SparseProduct(const QuiverSparseQuery* query, const uint32_t* indices,                    \
                      const float* values, size_t count);                                         \
  float SparseAbsolute(const QuiverSparseQuery* query, const uint32_t* indices,                   \
                       const float* values, size_t count);                                        \
  void SparseCosine(const QuiverSparseQuery* query, const uint32_t* indices, const float* values, \
                    size_t count, float out[3]);                                                  \
  extern const QuiverKernels kKernels;                                                            \
  }

QUIVER_DECLARE_LEVEL(scalar)
#if defined(__x86_64__)
QUIVER_DECLARE_LEVEL(avx2)
QUIVER_DECLARE_LEVEL(avx512)
#elif defined(__aarch64__)
QUIVER_DECLARE_LEVEL(neon)
#endif

#undef QUIVER_DECLARE_LEVEL

}  // namespace quiver

#pragma GCC visibility pop

#endif  // QUIVER_DISTANCE_KERNEL_SETS_H
