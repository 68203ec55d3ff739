// Runs of many searches by one client, and by all CPUs when only the answers matter.
#ifndef QUIVER_BENCH_CLIENT_SEARCH_RUN_H
#define QUIVER_BENCH_CLIENT_SEARCH_RUN_H

#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace quiver::bench {

struct SearchRun {
  std::vector<int64_t> ids;     // k per query, from the first query on
  std::vector<double> seconds;  // one per query
  double elapsed = 0;
  double client_cpu = 0;  // CPU seconds of the calling thread: an in-process engine's all

  size_t count() const { return seconds.size(); }
  double qps() const { return static_cast<double>(count()) / elapsed; }
};

// One query after the other, in order, until all are done or `limit` seconds have passed.
SearchRun RunOneByOne(Searcher* searcher, const Matrix& queries, int k, double limit);

// The answers to all queries, from one client per CPU.
std::vector<int64_t> AnswerAll(Engine* engine, const Matrix& queries, int k, int ef);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_SEARCH_RUN_H
