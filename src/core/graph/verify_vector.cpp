#include "graph/verify_vector.h"

#include <algorithm>
#include <cmath>

#include "base/f16.h"

namespace quiver {

namespace {

// Under cosine vectors have unit length; rounding moves its square by far less.
constexpr double kUnitTolerance = 0.01;

// The largest component of a float16 vector lies between these; rounding may reach
// the upper one.
constexpr float kLeastLargest = 0x1p13f;
constexpr float kMostLargest = 0x1p14f;
constexpr float kLeastScale = 0x1p-126f;

bool IsUnit(const QuiverIndex& index, double square) {
  return index.metric != QUIVER_METRIC_COSINE || std::fabs(square - 1) <= kUnitTolerance;
}

const char* HalvesFault(const QuiverIndex& index, const StoredVector& stored) {
  const auto* halves = reinterpret_cast<const uint16_t*>(stored.bytes);
  float largest = 0;
  double square = 0;
  for (uint32_t i = 0; i < index.layout.dim; i++) {
    const float component = F16ToF32(halves[i]);
    // The rotation of a huge vector overflows; nothing more is known of it.
    if (!std::isfinite(component)) return nullptr;
    largest = std::max(largest, std::fabs(component));
    square += double{component} * component;
  }
  if (largest > kMostLargest ||
      (largest < kLeastLargest && stored.scale != kLeastScale && largest > 0) ||
      (largest == 0 && stored.scale != 1 && stored.scale != kLeastScale))
    return "a vector does not fit its scale";
  return IsUnit(index, square * stored.scale * stored.scale) ? nullptr
                                                             : "a vector is not of unit length";
}

const char* FloatsFault(const QuiverIndex& index, const StoredVector& stored) {
  const auto* floats = reinterpret_cast<const float*>(stored.bytes);
  double square = 0;
  for (uint32_t i = 0; i < index.layout.dim; i++) {
    if (!std::isfinite(floats[i]))
      return index.layout.codec == Codec::kEdge ? nullptr
                                                : "a vector has a component without value";
    square += double{floats[i]} * floats[i];
  }
  return IsUnit(index, square) ? nullptr : "a vector is not of unit length";
}

const char* SparseFault(const QuiverIndex& index, const StoredVector& stored) {
  const auto* dimensions = reinterpret_cast<const uint32_t*>(stored.bytes);
  const auto* values = reinterpret_cast<const float*>(stored.bytes) + stored.entries;
  double square = 0;
  for (uint32_t i = 0; i < stored.entries; i++) {
    if (dimensions[i] >= index.layout.dim || (i > 0 && dimensions[i] <= dimensions[i - 1]))
      return "a sparse vector's dimensions do not ascend";
    // Division by the length may make a zero.
    if (!std::isfinite(values[i]) || (values[i] == 0 && index.metric != QUIVER_METRIC_COSINE))
      return "a vector has a component without value";
    square += double{values[i]} * values[i];
  }
  return IsUnit(index, square) ? nullptr : "a vector is not of unit length";
}

}  // namespace

bool IsScale(float scale) {
  int exponent;
  return std::isfinite(scale) && scale > 0 && std::frexp(scale, &exponent) == 0.5f;
}

const char* VectorHeadFault(const QuiverIndex& index, const StoredVector& stored) {
  const NodeLayout& layout = index.layout;
  const bool halves = layout.form == QUIVER_FORM_DENSE && !layout.float32;
  if (halves ? !IsScale(stored.scale) : stored.scale != 1) return "a vector's scale cannot be";
  if (layout.form == QUIVER_FORM_SPARSE)
    return stored.entries <= QUIVER_MAX_SPARSE_ENTRIES && stored.entries <= layout.dim
               ? nullptr
               : "a sparse vector has more entries than it may";
  // Of float16 the length that rounding took, a float16 itself, not negative.
  const bool sound = halves ? stored.entries < kF16Infinity : stored.entries == 0;
  return sound ? nullptr : "a vector's rounding error cannot be";
}

const char* VectorFault(const QuiverIndex& index, const StoredVector& stored) {
  const NodeLayout& layout = index.layout;
  switch (layout.form) {
    case QUIVER_FORM_DENSE:
      return layout.float32 ? FloatsFault(index, stored) : HalvesFault(index, stored);
    case QUIVER_FORM_SPARSE:
      return SparseFault(index, stored);
    case QUIVER_FORM_BITS:
      break;
  }
  const uint32_t over = layout.vector_bytes * 8 - layout.dim;
  const bool clear = (stored.bytes[layout.vector_bytes - 1] & ((1u << over) - 1)) == 0;
  return clear ? nullptr : "a bit string has bits past its end";
}

}  // namespace quiver
