#include "data/row_clusters.h"

#include <cmath>

#include "data/seeded_random.h"

namespace quiver::bench {

std::vector<std::vector<int64_t>> ClusterRows(const Dataset& dataset, size_t clusters,
                                              uint64_t seed) {
  SeededRandom random(seed);
  std::vector<const float*> centres;
  for (size_t i = 0; i < clusters; ++i)
    centres.push_back(dataset.base.Row(random.Below(dataset.base.rows)));
  std::vector<std::vector<int64_t>> ids(clusters);
  for (size_t i = 0; i < dataset.base.rows; ++i) {
    size_t best = 0;
    double least = HUGE_VAL;
    for (size_t c = 0; c < clusters; ++c) {
      double distance =
          ExactDistance(dataset.metric, dataset.base, dataset.base.Row(i), centres[c]);
      if (distance >= least) continue;
      least = distance;
      best = c;
    }
    ids[best].push_back(static_cast<int64_t>(i));
  }
  return ids;
}

}  // namespace quiver::bench
