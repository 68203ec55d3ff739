// What the libraries in process are given: dense rows, of length 1 for cosine, which they do as the
// inner product of such rows.
#ifndef QUIVER_BENCH_ENGINE_UNIT_ROWS_H
#define QUIVER_BENCH_ENGINE_UNIT_ROWS_H

#include <cmath>
#include <cstddef>
#include <string>

#include "base/failure.h"
#include "data/dataset.h"

namespace quiver::bench {

inline void NormalizeRow(const float* row, size_t dim, float* out) {
  double norm2 = 0;
  for (size_t i = 0; i < dim; ++i) norm2 += static_cast<double>(row[i]) * row[i];
  float scale = norm2 > 0 ? static_cast<float>(1 / std::sqrt(norm2)) : 0.0f;
  for (size_t i = 0; i < dim; ++i) out[i] = row[i] * scale;
}

inline void RequireDenseProducts(const Dataset& dataset, const std::string& engine) {
  if (dataset.base.form != Form::kDense || dataset.metric == Metric::kL1)
    Fail("{} is measured on dense rows under l2, ip or cosine only", engine);
}

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_UNIT_ROWS_H
