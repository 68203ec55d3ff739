#include "graph/vectors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hash.h"

namespace quiver {

namespace {

// Largest magnitude of a scaled float16 component is 2^kTopExponent .. twice it;
// leaves 28 binades below before components lose precision.
constexpr int kTopExponent = 13;

float OrInfinity(float distance) {
  // Comparisons with NaN are false.
  return distance < std::numeric_limits<float>::infinity()
             ? distance
             : std::numeric_limits<float>::infinity();
}

}  // namespace

bool HasDirection(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector) {
  (void)kernels;
  if (index.metric != QUIVER_METRIC_COSINE) return true;
  for (uint32_t i = 0; i < index.layout.dim; i++)
    if (vector[i] != 0) return true;
  return false;
}

uint64_t HashVector(const float* vector, uint32_t dim) {
  // In blocks, so that -0 becomes 0 without a copy of the whole.
  float block[256];
  uint64_t hash = dim;
  for (uint32_t i = 0; i < dim; i += 256) {
    const uint32_t count = std::min(256u, dim - i);
    for (uint32_t j = 0; j < count; j++) block[j] = vector[i + j] + 0.0f;
    hash = HashBytes(block, count * sizeof(float), hash);
  }
  return hash;
}

void RotateInto(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector,
                float* out) {
  const uint32_t dim = index.layout.dim;
  memcpy(out, vector, dim * sizeof(float));
  if (index.metric == QUIVER_METRIC_COSINE) {
    // In double: neither tiny nor huge components lose the length.
    double square = 0;
    for (uint32_t i = 0; i < dim; i++) square += double{out[i]} * out[i];
    const double inverse = square > 0 ? 1 / std::sqrt(square) : 0;
    for (uint32_t i = 0; i < dim; i++) out[i] = static_cast<float>(out[i] * inverse);
  }
  Rotate(kernels, index.signs(), out, dim);
}

float RoundInto(const QuiverKernels& kernels, const QuiverIndex& index, const float* rotated,
                uint8_t* bytes, float* scratch) {
  const uint32_t dim = index.layout.dim;
  if (index.layout.float32) {
    memcpy(bytes, rotated, dim * sizeof(float));
    return 1.0f;
  }
  float largest = 0;
  for (uint32_t i = 0; i < dim; i++) largest = std::max(largest, std::fabs(rotated[i]));
  float scale = 1.0f;
  if (largest > 0 && largest <= std::numeric_limits<float>::max())
    scale = std::ldexp(1.0f, std::clamp(std::ilogb(largest) - kTopExponent, -126, 127));
  const float inverse = 1.0f / scale;
  for (uint32_t i = 0; i < dim; i++) scratch[i] = rotated[i] * inverse;
  kernels.f32_to_f16(scratch, reinterpret_cast<uint16_t*>(bytes), dim);
  return scale;
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

Query MakeQuery(const QuiverKernels& kernels, const QuiverIndex& index, const float* vector,
                int8_t* code, float* scratch) {
  const uint32_t dim = index.layout.dim;
  const float* center = index.center();
  for (uint32_t i = 0; i < dim; i++) scratch[i] = vector[i] - center[i];
  Query query;
  query.vector = vector;
  query.code = code;
  query.code_sum = kernels.quantize_i8(scratch, dim, code, &query.step);
  return query;
}

float Distance(const QuiverKernels& kernels, const QuiverIndex& index, const float* query,
               const uint8_t* stored, float scale) {
  const uint32_t dim = index.layout.dim;
  const bool product = index.metric == QUIVER_METRIC_IP;
  if (index.layout.float32) {
    return Distance(kernels, index, query, reinterpret_cast<const float*>(stored));
  }
  const auto* halves = reinterpret_cast<const uint16_t*>(stored);
  return OrInfinity(product ? -kernels.ip_f32_f16(query, halves, scale, dim)
                            : kernels.l2sq_f32_f16(query, halves, scale, dim));
}

float Distance(const QuiverKernels& kernels, const QuiverIndex& index, const float* a,
               const float* b) {
  const uint32_t dim = index.layout.dim;
  return OrInfinity(index.metric == QUIVER_METRIC_IP ? -kernels.ip_f32(a, b, dim)
                                                     : kernels.l2sq_f32(a, b, dim));
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

}  // namespace quiver
