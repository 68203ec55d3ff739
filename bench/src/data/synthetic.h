// Seeded clustered sets of any size, with a knob for how hard they are to search.
//
// A row is  centre(c) + A(c) z + noise e:  c a cluster (their sizes differ, as Zipf with exponent
// 1/2), z normal in `intrinsic` dimensions, A(c) a random d x intrinsic matrix of the cluster, e
// normal in all d.  Centres are normal with standard deviation `spread`.  What makes a set hard for
// a graph is its local intrinsic dimension, so `hardness` in [0, 1] is the exponent between the two
// ends: intrinsic = 4 (d / 4)^hardness, rounded.  `intrinsic` may be given instead.  Clusters that
// lie far apart, however, are small sets of their own: where a hard set is wanted, let them overlap
// (spread 0.3).
//
// Row i depends on the seed and on i alone: sets that differ only in n share their first rows.
#ifndef QUIVER_BENCH_DATA_SYNTHETIC_H
#define QUIVER_BENCH_DATA_SYNTHETIC_H

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/command_line.h"

namespace quiver::bench {

struct SyntheticSettings {
  size_t rows = 100000;    // n
  size_t dim = 128;        // d
  size_t queries = 10000;  // q
  size_t clusters = 1000;  // clusters
  double hardness = 0.5;   // hardness
  size_t intrinsic = 0;    // intrinsic; 0: from hardness
  double spread = 0.6;     // spread
  double noise = 0.05;     // noise
  uint64_t seed = 1;       // seed

  static SyntheticSettings FromSpec(const Spec& spec);
  std::string Key() const;
};

void GenerateSynthetic(const SyntheticSettings& settings, const std::string& base,
                       const std::string& queries);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_SYNTHETIC_H
