// Vectors on their way into the index and distances to vectors in it.
#ifndef QUIVER_GRAPH_VECTORS_H
#define QUIVER_GRAPH_VECTORS_H

#include "graph/index.h"

namespace quiver {

// A vector as it is stored: rotated, rounded, scaled.
struct StoredVector {
  const uint8_t* bytes;  // layout.vector_bytes
  float scale;
  uint64_t hash;  // of the original
};

// A vector that neighbours' distances are estimated to.
struct Query {
  const float* vector;  // rotated; of unit length under cosine
  const int8_t* code;   // vector - centre, 8 bits
  int32_t code_sum;
  float step;
};

// True when the vector has a distance to others: not for zero under cosine.
bool HasDirection(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector);

// Hash of the original vector (zeros alike, whatever their sign).
uint64_t HashVector(const float* vector, uint32_t dim);

// Rotates `vector`, made a unit vector first under cosine, into out[dim].
void RotateInto(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector,
                float* out);

// Rounds a rotated vector into bytes[layout.vector_bytes]; returns its scale.
float RoundInto(const QuiverKernels& kernels, const QuiverIndex& index, const float* rotated,
                uint8_t* bytes, float* scratch);

// The floats that stored bytes stand for.
void Decode(const QuiverKernels& kernels, const QuiverIndex& index, const uint8_t* bytes,
            float scale, float* out);

// int8 elements a query's code takes.
constexpr size_t CodeLength(uint32_t dim) { return (size_t{dim} + 63) / 64 * 64; }

// Makes a query of `vector` (rotated; kept by pointer); code has CodeLength
// elements, scratch dim.
Query MakeQuery(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector,
                int8_t* code, float* scratch);

// The index's inner distance: squared Euclidean (L2, cosine) or negative inner
// product.  Infinity for anything that is not a number.
float Distance(const QuiverKernels& kernels, const QuiverIndex& index, const float* query,
               const uint8_t* stored, float scale);

// Between two vectors in floats.
float Distance(const QuiverKernels& kernels, const QuiverIndex& index, const float* a,
               const float* b);

// The operator's value for an inner distance.
double OperatorDistance(QuiverMetric metric, float distance);

}  // namespace quiver

#endif  // QUIVER_GRAPH_VECTORS_H
