// Seeded vectors, and exact answers about them.
#ifndef QUIVER_FAKES_VECTOR_DATA_H
#define QUIVER_FAKES_VECTOR_DATA_H

#include <cstdint>
#include <set>
#include <vector>

#include "core_api.h"

namespace quiver::fakes {

using Vector = std::vector<float>;

// Standard normal components.
std::vector<Vector> GaussianVectors(uint64_t seed, size_t count, uint32_t dim);

// Clusters whose centres have spread `distance`, round robin.  Within one the
// spread of component j falls as 1 / (1 + j / 10), about as an embedding's spectrum.
std::vector<Vector> ClusteredVectors(uint64_t seed, size_t count, uint32_t dim, size_t clusters,
                                     double distance);

// The operator's value in double; NaN without a direction.
double ExactDistance(QuiverMetric metric, const Vector& a, const Vector& b);

// Positions of the k nearest of `rows`.
std::set<uint32_t> ExactNearest(QuiverMetric metric, const std::vector<Vector>& rows,
                                const Vector& query, size_t k);

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_VECTOR_DATA_H
