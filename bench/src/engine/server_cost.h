// What a search costs inside the server: buffers, executor time, CPU time.
#ifndef QUIVER_BENCH_ENGINE_SERVER_COST_H
#define QUIVER_BENCH_ENGINE_SERVER_COST_H

#include "engine/server_engine.h"

namespace quiver::bench {

// Three passes over the queries, none of them timed by the client:
//   1. EXPLAIN (ANALYZE, BUFFERS) of up to kExplained queries, fewer of slow ones;
//   2. plain executions between two readings of pg_statio_all_indexes (from PostgreSQL 15 on) and
//      of the backend's CPU time (when the server is local);
//   3. plain executions counted by pg_stat_statements, when the server has it preloaded.
// The time of pass 3 is the executor's run alone, without protocol, plan look-up and start; the
// CPU time of pass 2 has everything the backend does.  EXPLAIN's own execution time is not used: it
// includes its instruments.
constexpr size_t kExplained = 200;

ServerCost MeasureServerCost(const ServerEngine& engine, const Matrix& queries, int k, int ef);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_SERVER_COST_H
