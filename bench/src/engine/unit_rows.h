// Rows of length 1, for libraries that do cosine as the inner product of such rows.
#ifndef QUIVER_BENCH_ENGINE_UNIT_ROWS_H
#define QUIVER_BENCH_ENGINE_UNIT_ROWS_H

#include <cmath>
#include <cstddef>

namespace quiver::bench {

inline void NormalizeRow(const float* row, size_t dim, float* out) {
  double norm2 = 0;
  for (size_t i = 0; i < dim; ++i) norm2 += static_cast<double>(row[i]) * row[i];
  float scale = norm2 > 0 ? static_cast<float>(1 / std::sqrt(norm2)) : 0.0f;
  for (size_t i = 0; i < dim; ++i) out[i] = row[i] * scale;
}

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_UNIT_ROWS_H
