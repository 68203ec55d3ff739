// The bound that docs/design.md states for the distance of the stored copy.
#include <gtest/gtest.h>

#include <cmath>

#include "fakes/memory_index.h"

namespace quiver::fakes {
namespace {

double Length(const Vector& v) {
  double square = 0;
  for (const float x : v) square += double{x} * x;
  return std::sqrt(square);
}

// The documented bound: float16's rounding where `half`, and that of float32 sums.
double Bound(QuiverMetric metric, bool half, double q, double o) {
  const double rounding = half ? 0x1p-11 : 0.0;
  switch (metric) {
    case QUIVER_METRIC_L2:
      return rounding * o + 1e-6 * (q + o);
    case QUIVER_METRIC_IP:
      return rounding * q * o + 1e-6 * (q + o) * (q + o);
    default:
      break;
  }
  return 2 * rounding + 4e-6;
}

struct Shape {
  uint32_t dim;
  float scale;   // of all components
  float offset;  // distance of the data from the origin, in units of its spread
};

TEST(DistanceBound, HoldsForEveryMetricAndStorage) {
  const uint64_t seed = 41;
  printf("seed %lu\n", seed);
  for (const Shape& shape : {Shape{1, 1, 0},
                             {3, 1, 0},
                             {64, 1e-6f, 0},
                             {100, 1, 30},
                             {300, 1e6f, 3},
                             {784, 255, 1},
                             {1100, 1, 0}}) {
    std::vector<Vector> rows = GaussianVectors(seed, 120, shape.dim);
    std::vector<Vector> queries = GaussianVectors(seed + 1, 3, shape.dim);
    queries.push_back(rows[7]);
    for (std::vector<Vector>* set : {&rows, &queries})
      for (Vector& v : *set)
        for (float& x : v) x = (x + shape.offset) * shape.scale;
    queries.back() = rows[7];
    for (const QuiverMetric metric : {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE}) {
      for (const QuiverStorage storage : {QUIVER_STORAGE_FLOAT16, QUIVER_STORAGE_FLOAT32}) {
        MemoryIndex index(ParamsOf(shape.dim, metric, 16, storage), rows);
        const bool half = storage == QUIVER_STORAGE_FLOAT16;
        for (const Vector& query : queries) {
          const std::vector<Hit> hits = index.Search(query, OptionsOf());
          ASSERT_EQ(hits.size(), rows.size());
          for (const Hit& hit : hits) {
            const Vector& row = rows[hit.row];
            EXPECT_LE(std::fabs(hit.distance - ExactDistance(metric, row, query)),
                      Bound(metric, half, Length(query), Length(row)))
                << "dim " << shape.dim << " scale " << shape.scale << " metric " << metric
                << " half " << half;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace quiver::fakes
