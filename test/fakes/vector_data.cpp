#include "fakes/vector_data.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/random.h"

namespace quiver::fakes {

namespace {

// Box and Muller's transform.
float Normal(SplitMix64* random) {
  const double u = 1 - random->NextDouble();
  const double v = random->NextDouble();
  return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
}

}  // namespace

std::vector<Vector> GaussianVectors(uint64_t seed, size_t count, uint32_t dim) {
  SplitMix64 random(seed);
  std::vector<Vector> vectors(count, Vector(dim));
  for (Vector& vector : vectors)
    for (float& component : vector) component = Normal(&random);
  return vectors;
}

std::vector<Vector> ClusteredVectors(uint64_t seed, size_t count, uint32_t dim, size_t clusters,
                                     double distance) {
  const std::vector<Vector> centers = GaussianVectors(seed ^ 0xC3, clusters, dim);
  std::vector<Vector> vectors = GaussianVectors(seed, count, dim);
  for (size_t i = 0; i < count; i++)
    for (uint32_t j = 0; j < dim; j++)
      vectors[i][j] = vectors[i][j] / (1 + static_cast<float>(j) / 10) +
                      static_cast<float>(distance) * centers[i % clusters][j];
  return vectors;
}

double ExactDistance(QuiverMetric metric, const Vector& a, const Vector& b) {
  double ab = 0, aa = 0, bb = 0, square = 0, absolute = 0;
  for (size_t i = 0; i < a.size(); i++) {
    const double x = a[i], y = b[i];
    ab += x * y;
    aa += x * x;
    bb += y * y;
    square += (x - y) * (x - y);
    absolute += std::fabs(x - y);
  }
  switch (metric) {
    case QUIVER_METRIC_L2:
      return std::sqrt(square);
    case QUIVER_METRIC_IP:
      return -ab;
    case QUIVER_METRIC_COSINE:
      return 1 - ab / (std::sqrt(aa) * std::sqrt(bb));
    case QUIVER_METRIC_L1:
      return absolute;
    default:
      return NAN;
  }
}

std::set<uint32_t> ExactNearest(QuiverMetric metric, const std::vector<Vector>& rows,
                                const Vector& query, size_t k) {
  std::vector<std::pair<double, uint32_t>> all;
  for (uint32_t i = 0; i < rows.size(); i++)
    all.push_back({ExactDistance(metric, rows[i], query), i});
  k = std::min(k, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(k), all.end());
  std::set<uint32_t> nearest;
  for (size_t i = 0; i < k; i++) nearest.insert(all[i].second);
  return nearest;
}

}  // namespace quiver::fakes
