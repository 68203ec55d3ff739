// Searches with nothing cached.
#ifndef QUIVER_BENCH_CLIENT_COLD_RUN_H
#define QUIVER_BENCH_CLIENT_COLD_RUN_H

#include <string>

#include "engine/engine.h"

namespace quiver::bench {

struct ColdSettings {
  size_t searches = 100;
  std::string restart_command;  // run by the shell; returns when the server answers again
};

struct ColdRun {
  LatencySummary latency;
  double reads = 0;  // blocks read into shared buffers, a search
};

// The kernel's page cache can be emptied by root only.
bool PageCacheCanBeDropped();

// Restarts the server, empties the page cache where it may, and times the first searches.
ColdRun RunCold(Engine* engine, const Matrix& queries, int k, int ef, const ColdSettings& settings);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_COLD_RUN_H
