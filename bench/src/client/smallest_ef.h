// The smallest ef that reaches a recall: what makes engines comparable.
#ifndef QUIVER_BENCH_CLIENT_SMALLEST_EF_H
#define QUIVER_BENCH_CLIENT_SMALLEST_EF_H

#include <map>
#include <utility>

#include "engine/engine.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

struct EfChoice {
  int ef = 0;
  double recall = 0;     // over all queries
  bool reached = false;  // false: `ef` is the engine's largest
  bool given = false;    // by the user, whatever the recall

  // "120", "40 (given)", "1000 (max)", "default" or "-" for an engine without any.
  std::string Text(const Engine& engine) const;
};

class EfFinder {
 public:
  EfFinder(const Dataset& dataset, const GroundTruth& truth, int k)
      : dataset_(dataset), truth_(truth), k_(k) {}

  // The ef that the engine was given, with its recall.
  EfChoice Given(Engine* engine, size_t queries);
  // That, where there is one; else the smallest that reaches the recall, or the largest of all.
  // Bisects on the first queries, then settles it on all of them.
  EfChoice Find(Engine* engine, double recall);
  int k() const { return k_; }
  double RecallAt(Engine* engine, int ef, size_t queries);

 private:
  // The smallest ef in (low, high] that reaches the recall, given that high does.
  int Bisect(Engine* engine, double recall, int low, int high, size_t queries);

  const Dataset& dataset_;
  const GroundTruth& truth_;
  int k_;
  std::map<std::pair<Engine*, std::pair<int, size_t>>, double> known_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_SMALLEST_EF_H
