// A row of a data set as the core takes it.
#ifndef QUIVER_BENCH_GRAPH_CORE_VALUE_H
#define QUIVER_BENCH_GRAPH_CORE_VALUE_H

#include <cstdint>
#include <vector>

#include "core_api.h"
#include "data/dataset.h"

namespace quiver::bench {

QuiverForm CoreForm(Form form);
QuiverMetric CoreMetric(Metric metric);

class CoreValue {
 public:
  explicit CoreValue(const RowShape& shape) : shape_(shape), bits_((shape.dim + 7) / 8) {}

  // Valid until the next call; dense and sparse components are those of `row` itself.
  const QuiverValue* Set(const float* row);

 private:
  RowShape shape_;
  std::vector<uint8_t> bits_;  // the core has a byte's first bit highest, a data set lowest
  QuiverValue value_ = {};
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_GRAPH_CORE_VALUE_H
