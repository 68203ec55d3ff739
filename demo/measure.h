// What the demo measures, and the measuring.
#ifndef QUIVER_DEMO_MEASURE_H
#define QUIVER_DEMO_MEASURE_H

#include <cstdint>
#include <string>
#include <vector>

#include "exact_search.h"
#include "idx_file.h"
#include "postgres_client.h"

namespace demo {

inline constexpr size_t kNeighbours = 10;

struct Dataset {
  IdxFile images;
  IdxFile labels;
  IdxFile queries;
  IdxFile query_labels;
  std::vector<std::vector<Neighbour>> exact;  // of each query, kNeighbours long
};

// One row of the table: all queries at one ef.
struct Sweep {
  int ef = 0;
  double recall = 0;  // mean share of the exact kNeighbours that was found
  double qps = 0;     // one client, one query at a time
  double p50_ms = 0;
  double p99_ms = 0;
  double pages = 0;  // mean buffers of a sample, as EXPLAIN (ANALYZE, BUFFERS) counts them
  std::vector<std::vector<int32_t>> found;  // ids by query
};

// The exact scan through SQL, over a sample of the queries.
struct ExactScan {
  size_t queries = 0;
  size_t differing = 0;  // queries whose distances differ from the client's own
  double p50_ms = 0;
  double pages = 0;
  std::string plan;
};

// An answer counts where it is no farther than the exact tenth: equal distances are equally right.
double Recall(const Dataset& data, const std::vector<std::vector<int32_t>>& found);
bool IsHit(const Dataset& data, size_t query, int32_t id);

Sweep MeasureSweep(Connection* server, const Dataset& data, int ef);
ExactScan MeasureExactScan(Connection* server, const Dataset& data, size_t queries);

}  // namespace demo

#endif  // QUIVER_DEMO_MEASURE_H
