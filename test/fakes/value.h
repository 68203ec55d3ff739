// Values of every form, seeded sets of them, and what the SQL operators say of them.
#ifndef QUIVER_FAKES_VALUE_H
#define QUIVER_FAKES_VALUE_H

#include <initializer_list>

#include "distance/kernels.h"
#include "fakes/vector_data.h"

namespace quiver::fakes {

// A value as SQL has it, with its own memory.  Empty: NULL.
class Value {
 public:
  Value() = default;
  // Dense; NULL without components.
  Value(const Vector& components) : null_(components.empty()), components_(components) {}
  Value(std::initializer_list<float> components) : Value(Vector(components)) {}
  // The first bit is the first byte's highest; bits past `dim` are cleared.
  static Value Bits(uint32_t dim, std::vector<uint8_t> bytes);
  // Dimensions from 0, ascending, and the components they have.
  static Value Sparse(std::vector<uint32_t> indices, Vector components);

  bool is_null() const { return null_; }
  QuiverForm form() const { return form_; }
  const Vector& components() const { return components_; }
  const std::vector<uint32_t>& indices() const { return indices_; }
  const std::vector<uint8_t>& bits() const { return bits_; }
  // By pointer.
  QuiverValue view() const;

 private:
  bool null_ = true;
  QuiverForm form_ = QUIVER_FORM_DENSE;
  Vector components_;
  std::vector<uint32_t> indices_;
  std::vector<uint8_t> bits_;
};

std::vector<Value> ValuesOf(const std::vector<Vector>& vectors);

// Bit strings around `clusters` random ones, round robin, from which each differs
// in about `share` of its bits; 0 clusters: independent ones.
std::vector<Value> BitStrings(uint64_t seed, size_t count, uint32_t dim, size_t clusters,
                              double share);

// Sparse vectors with normal components, entries[i % size] entries each (as many
// as the dimension has, at most), half of them among the first `common` dimensions.
std::vector<Value> SparseVectors(uint64_t seed, size_t count, uint32_t dim,
                                 const std::vector<uint32_t>& entries, uint32_t common);

// The same around `clusters` vectors of `entries` entries, round robin: each keeps
// seven in eight of these, with other components, and has some of its own.
std::vector<Value> ClusteredSparse(uint64_t seed, size_t count, uint32_t dim, uint32_t entries,
                                   size_t clusters);

// A zero vector of the form.
Value ZeroValue(QuiverForm form, uint32_t dim);

// The operator's value in double; NaN without a direction.
double ExactDistance(QuiverMetric metric, const Value& a, const Value& b);

// What the SQL operator returns where `kernels` are in force (src/types/*_distance.c).
double OperatorValue(const QuiverKernels& kernels, QuiverMetric metric, const Value& a,
                     const Value& b);

// The dense operators of halfvec, for components that float16 has.
double HalfOperatorValue(const QuiverKernels& kernels, QuiverMetric metric, const Value& a,
                         const Value& b);

// Euclidean length.
double LengthOf(const Value& value);

std::set<uint32_t> ExactNearest(QuiverMetric metric, const std::vector<Value>& rows,
                                const Value& query, size_t k);

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_VALUE_H
