// Values on their way into the index and distances to values in it.
//
// A stored vector is
//   DENSE   components, float32 or float16 with a power-of-two scale; rotated
//           where edges have codes, of unit length under cosine;
//   BITS    ceil(dim / 8) bytes, as SQL has them;
//   SPARSE  entries x uint32 dimensions, ascending, then as many float32
//           components; of unit length under cosine.
#ifndef QUIVER_GRAPH_VECTORS_H
#define QUIVER_GRAPH_VECTORS_H

#include "distance/sparse.h"
#include "graph/index.h"

namespace quiver {

struct StoredVector {
  const uint8_t* bytes;
  float scale;       // of float16 components; else 1
  uint16_t entries;  // SPARSE; float16 components: RoundingError
  uint64_t hash;     // of the original
};

// Of a SPARSE one.
inline const uint32_t* SparseIndices(const StoredVector& stored) {
  return reinterpret_cast<const uint32_t*>(stored.bytes);
}
inline const float* SparseValues(const StoredVector& stored) {
  return reinterpret_cast<const float*>(stored.bytes) + stored.entries;
}

// A value that others are compared with.
struct Query {
  const float* vector;  // DENSE, as a stored one but not rounded
  const int8_t* code;   // kEdge: vector - centre, 8 bits
  int32_t code_sum;
  float step;
  const uint8_t* bits;              // BITS
  const QuiverSparseQuery* sparse;  // SPARSE
  float size;                       // Euclidean length; L1: sum of magnitudes; BITS: 0
  uint32_t terms;                   // of a sum over it: components, or entries
};

// True when the value has a distance to others: not for zero under cosine.
bool HasDirection(const QuiverIndex& index, const QuiverValue& value);

// Hash of the original value (zeros alike, whatever their sign).
uint64_t HashValue(const QuiverIndex& index, const QuiverValue& value);

// Bytes of a value's stored copy.
size_t StoredBytes(const QuiverIndex& index, const QuiverValue& value);
inline size_t StoredBytes(const QuiverIndex& index, const StoredVector& stored) {
  return index.layout.form == QUIVER_FORM_SPARSE ? size_t{stored.entries} * 8
                                                 : index.layout.vector_bytes;
}

// Makes the stored copy in bytes[StoredBytes(index, value)], 4-byte aligned;
// scratch has 2 x dim floats for DENSE.
StoredVector StoreValue(const QuiverKernels& kernels, const QuiverIndex& index,
                        const QuiverValue& value, uint8_t* bytes, float* scratch);

// True when both are one vector, as far as the index can tell.
bool SameVector(const QuiverIndex& index, const StoredVector& a, const StoredVector& b);

// DENSE: the floats that stored bytes stand for.
void Decode(const QuiverKernels& kernels, const QuiverIndex& index, const uint8_t* bytes,
            float scale, float* out);

// int8 elements a query's code takes.
constexpr size_t CodeLength(uint32_t dim) {
  return (size_t{dim} + 63) / 64 * 64;
}

// Makes queries, one at a time: the next one overwrites it.
class QueryMaker {
 public:
  QueryMaker(const QuiverKernels* kernels, const QuiverIndex* index, Allocator* allocator)
      : kernels_(kernels),
        index_(index),
        allocator_(allocator),
        sparse_(allocator),
        unit_(allocator) {}

  // Of a value as SQL has it.  Copies what it needs.
  Query Make(const QuiverValue& value);
  // Of a stored copy, so that distances agree with later ones; BITS by pointer.
  // coded: the query is to estimate neighbours too.
  Query Make(const StoredVector& stored, bool coded = true);

  // Makes room for queries of DENSE, so that Make allocates nothing.
  void Reserve(bool coded);

 private:
  void Finish(Query* query, bool coded);
  void MakeSparse(Query* query, const uint32_t* indices, const float* values, size_t count);

  const QuiverKernels* kernels_;
  const QuiverIndex* index_;
  Allocator* allocator_;
  float* vector_ = nullptr;
  float* scratch_ = nullptr;
  int8_t* code_ = nullptr;
  ArenaVector<uint64_t> sparse_;
  ArenaVector<float> unit_;
};

// The index's inner distance: squared Euclidean (L2, cosine), negative inner
// product, else the operator's.  Infinity for anything that is not a number.
float Distance(const QuiverKernels& kernels, const QuiverIndex& index, const Query& query,
               const StoredVector& stored);

// The operator's value for an inner distance.
double OperatorDistance(QuiverMetric metric, float distance);

// Euclidean length of a stored vector; the caller's scratch has dim floats.
float StoredSize(const QuiverKernels& kernels, const QuiverIndex& index, const StoredVector& stored,
                 float* scratch);

// At most so long is what rounding to float16 took from a vector; 0 for other forms.
float RoundingError(const QuiverIndex& index, const StoredVector& stored);

// Between them lies what the SQL operator returns, at any SIMD level, unless it is
// NaN.
struct DistanceBounds {
  float lower;
  float upper;
};

// For the row whose stored copy has the inner distance `distance` from the query;
// size is the copy's length (used for the inner product only).
DistanceBounds BoundsOf(const QuiverIndex& index, const Query& query, float distance,
                        const StoredVector& stored, float size);

inline float JaccardDistance(uint64_t both, uint64_t either) {
  return both == 0
             ? 1.0f
             : static_cast<float>(1 - static_cast<double>(both) / static_cast<double>(either));
}

}  // namespace quiver

#endif  // QUIVER_GRAPH_VECTORS_H
