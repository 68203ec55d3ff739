#include "graph/vectors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/f16.h"
#include "base/hash.h"

namespace quiver {

namespace {

// Largest magnitude of a scaled float16 component is 2^kTopExponent .. twice it;
// leaves 28 binades below before components lose precision.
constexpr int kTopExponent = 13;

float OrInfinity(float distance) {
  // Comparisons with NaN are false.
  return distance < std::numeric_limits<float>::infinity() ? distance
                                                           : std::numeric_limits<float>::infinity();
}

// In double: neither tiny nor huge components lose the length.
double InverseLength(const float* vector, size_t count) {
  double square = 0;
  for (size_t i = 0; i < count; i++) square += double{vector[i]} * vector[i];
  return square > 0 ? 1 / std::sqrt(square) : 0;
}

uint64_t HashFloats(const float* vector, size_t count, uint64_t hash) {
  // In blocks, so that -0 becomes 0 without a copy of the whole.
  float block[256];
  for (size_t i = 0; i < count; i += 256) {
    const size_t length = std::min<size_t>(256, count - i);
    for (size_t j = 0; j < length; j++) block[j] = vector[i + j] + 0.0f;
    hash = HashBytes(block, length * sizeof(float), hash);
  }
  return hash;
}

// A dense value as it is compared: of unit length under cosine, rotated where
// edges have codes.
void Transform(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector,
               float* out) {
  const uint32_t dim = index.layout.dim;
  memcpy(out, vector, dim * sizeof(float));
  if (index.metric == QUIVER_METRIC_COSINE) {
    const double inverse = InverseLength(out, dim);
    for (uint32_t i = 0; i < dim; i++) out[i] = static_cast<float>(out[i] * inverse);
  }
  if (index.layout.codec == Codec::kEdge) Rotate(kernels, index.signs(), out, dim);
}

// Rounds a transformed vector into bytes; returns its scale, and in *error the
// length of what was lost, in units of the scale, as a float16 that is not less.
float RoundInto(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector,
                uint8_t* bytes, float* scratch, uint16_t* error) {
  const uint32_t dim = index.layout.dim;
  *error = 0;
  if (index.layout.float32) {
    memcpy(bytes, vector, dim * sizeof(float));
    return 1.0f;
  }
  float largest = 0;
  for (uint32_t i = 0; i < dim; i++) largest = std::max(largest, std::fabs(vector[i]));
  float scale = 1.0f;
  if (largest > 0 && largest <= std::numeric_limits<float>::max())
    scale = std::ldexp(1.0f, std::clamp(std::ilogb(largest) - kTopExponent, -126, 127));
  const float inverse = 1.0f / scale;
  for (uint32_t i = 0; i < dim; i++) scratch[i] = vector[i] * inverse;
  const auto* halves = reinterpret_cast<uint16_t*>(bytes);
  kernels.f32_to_f16(scratch, reinterpret_cast<uint16_t*>(bytes), dim);
  double lost = 0;
  for (uint32_t i = 0; i < dim; i++) {
    const double difference = double{scratch[i]} - double{F16ToF32(halves[i])};
    lost += difference * difference;
  }
  // Half a float16's last digit more than nearest would be.
  *error = F32ToF16(static_cast<float>(std::sqrt(lost) * (1 + 0x1p-10) + 0x1p-24));
  return scale;
}

}  // namespace

bool HasDirection(const QuiverIndex& index, const QuiverValue& value) {
  if (index.metric != QUIVER_METRIC_COSINE) return true;
  const size_t count = index.layout.form == QUIVER_FORM_SPARSE ? value.count : index.layout.dim;
  for (size_t i = 0; i < count; i++)
    if (value.components[i] != 0) return true;
  return false;
}

uint64_t HashValue(const QuiverIndex& index, const QuiverValue& value) {
  const uint32_t dim = index.layout.dim;
  switch (index.layout.form) {
    case QUIVER_FORM_DENSE:
      return HashFloats(value.components, dim, dim);
    case QUIVER_FORM_BITS:
      return HashBytes(value.bits, index.layout.vector_bytes, dim);
    case QUIVER_FORM_SPARSE:
      break;
  }
  return HashFloats(value.components, value.count,
                    HashBytes(value.indices, size_t{value.count} * sizeof(uint32_t), dim));
}

size_t StoredBytes(const QuiverIndex& index, const QuiverValue& value) {
  return index.layout.form == QUIVER_FORM_SPARSE ? size_t{value.count} * 8
                                                 : index.layout.vector_bytes;
}

StoredVector StoreValue(const QuiverKernels& kernels, const QuiverIndex& index,
                        const QuiverValue& value, uint8_t* bytes, float* scratch) {
  StoredVector stored = {bytes, 1.0f, 0, HashValue(index, value)};
  switch (index.layout.form) {
    case QUIVER_FORM_DENSE:
      Transform(kernels, index, value.components, scratch);
      stored.scale =
          RoundInto(kernels, index, scratch, bytes, scratch + index.layout.dim, &stored.entries);
      break;
    case QUIVER_FORM_BITS:
      memcpy(bytes, value.bits, index.layout.vector_bytes);
      break;
    case QUIVER_FORM_SPARSE: {
      stored.entries = static_cast<uint16_t>(value.count);
      if (value.count > 0) memcpy(bytes, value.indices, size_t{value.count} * sizeof(uint32_t));
      auto* values = reinterpret_cast<float*>(bytes) + value.count;
      const double factor =
          index.metric == QUIVER_METRIC_COSINE ? InverseLength(value.components, value.count) : 1.0;
      for (uint32_t i = 0; i < value.count; i++)
        values[i] = static_cast<float>(value.components[i] * factor);
      break;
    }
  }
  return stored;
}

bool SameVector(const QuiverIndex& index, const StoredVector& a, const StoredVector& b) {
  return a.hash == b.hash && a.scale == b.scale && a.entries == b.entries &&
         memcmp(a.bytes, b.bytes, StoredBytes(index, a)) == 0;
}

void Decode(const QuiverKernels& kernels, const QuiverIndex& index, const uint8_t* bytes,
            float scale, float* out) {
  const uint32_t dim = index.layout.dim;
  if (index.layout.float32) {
    memcpy(out, bytes, dim * sizeof(float));
    return;
  }
  kernels.f16_to_f32(reinterpret_cast<const uint16_t*>(bytes), out, dim);
  for (uint32_t i = 0; i < dim; i++) out[i] *= scale;
}

void QueryMaker::Reserve(bool coded) {
  const uint32_t dim = index_->layout.dim;
  if (index_->layout.form != QUIVER_FORM_DENSE) return;
  if (vector_ == nullptr) vector_ = AllocateArray<float>(allocator_, dim);
  if (!coded || index_->layout.codec != Codec::kEdge || code_ != nullptr) return;
  scratch_ = AllocateArray<float>(allocator_, dim);
  code_ = AllocateArray<int8_t>(allocator_, CodeLength(dim));
}

void QueryMaker::Finish(Query* query, bool coded) {
  const uint32_t dim = index_->layout.dim;
  query->vector = vector_;
  if (!coded || index_->layout.codec != Codec::kEdge) return;
  const float* center = index_->center();
  for (uint32_t i = 0; i < dim; i++) scratch_[i] = vector_[i] - center[i];
  query->code = code_;
  query->code_sum = kernels_->quantize_i8(scratch_, dim, code_, &query->step);
}

void QueryMaker::MakeSparse(Query* query, const uint32_t* indices, const float* values,
                            size_t count) {
  sparse_.Resize((quiver_sparse_query_bytes(count) + 7) / 8);
  query->sparse = quiver_sparse_prepare(sparse_.begin(), indices, values, count);
}

Query QueryMaker::Make(const QuiverValue& value) {
  Query query = {};
  double size = 0;
  switch (index_->layout.form) {
    case QUIVER_FORM_DENSE:
      Reserve(true);
      Transform(*kernels_, *index_, value.components, vector_);
      Finish(&query, true);
      for (uint32_t i = 0; i < index_->layout.dim; i++)
        size += index_->metric == QUIVER_METRIC_L1 ? std::fabs(double{vector_[i]})
                                                   : double{vector_[i]} * vector_[i];
      break;
    case QUIVER_FORM_BITS: {
      const uint32_t bytes = index_->layout.vector_bytes;
      auto* bits = AllocateArray<uint8_t>(allocator_, bytes);
      memcpy(bits, value.bits, bytes);
      query.bits = bits;
      break;
    }
    case QUIVER_FORM_SPARSE: {
      unit_.Resize(value.count);
      const double factor = index_->metric == QUIVER_METRIC_COSINE
                                ? InverseLength(value.components, value.count)
                                : 1.0;
      for (uint32_t i = 0; i < value.count; i++) {
        unit_[i] = static_cast<float>(value.components[i] * factor);
        size += index_->metric == QUIVER_METRIC_L1 ? std::fabs(double{unit_[i]})
                                                   : double{unit_[i]} * unit_[i];
      }
      MakeSparse(&query, value.indices, unit_.begin(), value.count);
      break;
    }
  }
  query.terms = index_->layout.form == QUIVER_FORM_SPARSE ? value.count : index_->layout.dim;
  query.size = static_cast<float>(index_->metric == QUIVER_METRIC_L1 ? size : std::sqrt(size));
  return query;
}

Query QueryMaker::Make(const StoredVector& stored, bool coded) {
  Query query = {};
  switch (index_->layout.form) {
    case QUIVER_FORM_DENSE:
      Reserve(coded);
      Decode(*kernels_, *index_, stored.bytes, stored.scale, vector_);
      Finish(&query, coded);
      break;
    case QUIVER_FORM_BITS:
      query.bits = stored.bytes;
      break;
    case QUIVER_FORM_SPARSE:
      MakeSparse(&query, SparseIndices(stored), SparseValues(stored), stored.entries);
      break;
  }
  return query;
}

namespace {

float DenseDistance(const QuiverKernels& kernels, const QuiverIndex& index, const float* query,
                    const StoredVector& stored) {
  const uint32_t dim = index.layout.dim;
  if (index.layout.float32) {
    const auto* floats = reinterpret_cast<const float*>(stored.bytes);
    switch (index.metric) {
      case QUIVER_METRIC_IP:
        return -kernels.ip_f32(query, floats, dim);
      case QUIVER_METRIC_L1:
        return kernels.l1_f32(query, floats, dim);
      default:
        return kernels.l2sq_f32(query, floats, dim);
    }
  }
  const auto* halves = reinterpret_cast<const uint16_t*>(stored.bytes);
  switch (index.metric) {
    case QUIVER_METRIC_IP:
      return -kernels.ip_f32_f16(query, halves, stored.scale, dim);
    case QUIVER_METRIC_L1:
      return kernels.l1_f32_f16(query, halves, stored.scale, dim);
    default:
      return kernels.l2sq_f32_f16(query, halves, stored.scale, dim);
  }
}

float SparseDistance(const QuiverKernels& kernels, const QuiverIndex& index,
                     const QuiverSparseQuery* query, const StoredVector& stored) {
  const uint32_t* indices = SparseIndices(stored);
  const float* values = SparseValues(stored);
  switch (index.metric) {
    case QUIVER_METRIC_IP:
      return -kernels.sparse_ip(query, indices, values, stored.entries);
    case QUIVER_METRIC_L1:
      return kernels.sparse_l1(query, indices, values, stored.entries);
    default:
      return kernels.sparse_l2sq(query, indices, values, stored.entries);
  }
}

}  // namespace

float Distance(const QuiverKernels& kernels, const QuiverIndex& index, const Query& query,
               const StoredVector& stored) {
  switch (index.layout.form) {
    case QUIVER_FORM_DENSE:
      return OrInfinity(DenseDistance(kernels, index, query.vector, stored));
    case QUIVER_FORM_SPARSE:
      return OrInfinity(SparseDistance(kernels, index, query.sparse, stored));
    case QUIVER_FORM_BITS:
      break;
  }
  const uint32_t bytes = index.layout.vector_bytes;
  if (index.metric == QUIVER_METRIC_HAMMING)
    return static_cast<float>(kernels.hamming(query.bits, stored.bytes, bytes));
  uint64_t both;
  uint64_t either;
  kernels.jaccard(query.bits, stored.bytes, bytes, &both, &either);
  return JaccardDistance(both, either);
}

double OperatorDistance(QuiverMetric metric, float distance) {
  switch (metric) {
    case QUIVER_METRIC_L2:
      return std::sqrt(static_cast<double>(std::max(distance, 0.0f)));
    case QUIVER_METRIC_COSINE:
      return static_cast<double>(distance) / 2;
    default:
      break;
  }
  return distance;
}

float StoredSize(const QuiverKernels& kernels, const QuiverIndex& index, const StoredVector& stored,
                 float* scratch) {
  double square = 0;
  if (index.layout.form == QUIVER_FORM_SPARSE) {
    for (uint32_t i = 0; i < stored.entries; i++)
      square += double{SparseValues(stored)[i]} * SparseValues(stored)[i];
  } else if (index.layout.form == QUIVER_FORM_DENSE) {
    Decode(kernels, index, stored.bytes, stored.scale, scratch);
    for (uint32_t i = 0; i < index.layout.dim; i++) square += double{scratch[i]} * scratch[i];
  }
  return static_cast<float>(std::sqrt(square));
}

namespace {

// Rounds down; anything that is not a number says nothing.
float RoundDown(double bound) {
  if (!(bound > -std::numeric_limits<float>::max())) return -std::numeric_limits<float>::infinity();
  if (bound > std::numeric_limits<float>::max()) return std::numeric_limits<float>::max();
  const auto rounded = static_cast<float>(bound);
  return rounded <= bound ? rounded
                          : std::nextafter(rounded, -std::numeric_limits<float>::infinity());
}

float RoundUp(double bound) {
  return -RoundDown(-bound);
}

DistanceBounds Around(double distance, double radius) {
  return {RoundDown(distance - radius), RoundUp(distance + radius)};
}

constexpr DistanceBounds kUnbounded = {-std::numeric_limits<float>::infinity(),
                                       std::numeric_limits<float>::infinity()};

// From here on a float32 sum may overflow.
constexpr double kNearOverflow = 0x1p126;

}  // namespace

float RoundingError(const QuiverIndex& index, const StoredVector& stored) {
  if (index.layout.form != QUIVER_FORM_DENSE || index.layout.float32) return 0;
  return F16ToF32(stored.entries) * stored.scale;
}

DistanceBounds BoundsOf(const QuiverIndex& index, const Query& query, float distance,
                        const StoredVector& stored, float size) {
  // Hamming distances are exact in float, the others rounded to it.
  if (index.layout.form == QUIVER_FORM_BITS)
    return Around(distance, index.metric == QUIVER_METRIC_HAMMING ? 0 : 0x1p-23);

  // Roundings of a float32 sum's magnitudes: dense ones are kept in at least four
  // parts by every kernel, sparse ones may be in one.
  const double terms = index.layout.form == QUIVER_FORM_DENSE ? query.terms / 4.0
                                                              : 1.0 * query.terms + stored.entries;
  const double sum = (terms + 32) * 0x1p-24;
  // Each term may underflow, and so may each square of a length.
  const double lost = (terms + 32) * 0x1p-148;
  // Of a vector's length: what division by it and rotation may change (some 54 steps
  // at 16,000 dimensions, each two roundings at the most); and what float16 took.
  const double turned = 0x1p-16;
  const double error = double{RoundingError(index, stored)} * 1.0001;
  const double q = query.size;
  const double inner = std::min(distance, std::numeric_limits<float>::max());
  switch (index.metric) {
    case QUIVER_METRIC_L2: {
      const double apart = std::sqrt(std::max(inner, 0.0));
      const double o = (q + apart + error) * 1.01;
      DistanceBounds bounds = Around(
          apart, apart * 2.01 * sum + (error + turned * (q + o)) * (1 + sum) + 2 * std::sqrt(lost));
      if (double{bounds.upper} * bounds.upper > kNearOverflow) bounds.upper = kUnbounded.upper;
      return bounds;
    }
    case QUIVER_METRIC_COSINE: {
      const double square = std::max(inner, 0.0);
      const double moved = error + 2 * turned;
      const double radius =
          square * sum + 2 * std::sqrt(square * (1 + sum)) * moved + moved * moved;
      return Around(square / 2, radius / 2 + 4 * sum);
    }
    case QUIVER_METRIC_IP:
      if (!(q * size < kNearOverflow)) return kUnbounded;
      return Around(inner, q * (error + size * 1.01 * (2 * turned + 2 * sum)) + lost);
    default:
      break;
  }
  // A sum of magnitudes is at most sqrt(dim) times the length.
  DistanceBounds bounds =
      Around(inner, inner * 2.01 * sum + error * std::sqrt(1.0 * query.terms) * (1 + sum) + lost);
  if (bounds.upper > kNearOverflow) bounds.upper = kUnbounded.upper;
  return bounds;
}

}  // namespace quiver
