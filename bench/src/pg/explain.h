// What EXPLAIN (ANALYZE, BUFFERS) says of one execution.
#ifndef QUIVER_BENCH_PG_EXPLAIN_H
#define QUIVER_BENCH_PG_EXPLAIN_H

#include <string>
#include <vector>

#include "pg/pg_connection.h"

namespace quiver::bench {

struct Explained {
  double query_buffers = 0;  // shared blocks hit and read by the whole query, planning left out
  double query_reads = 0;    // those of them that were read
  double scan_buffers = 0;   // by the scan node: the index, and the heap rows it fetched
  double milliseconds = 0;   // execution time, with EXPLAIN's own overhead
  double rows = 0;           // returned
  std::string index;         // the name of the index scanned; empty for another plan
  std::string scan_type;     // "Index Scan", "Seq Scan", ...
};

// Runs the query and reads the plan.
Explained ExplainAnalyze(PgConnection* connection, const std::string& sql,
                         const std::vector<PgParameter>& parameters);

// The plan alone; only `index` and `scan_type` are set.
Explained ExplainPlan(PgConnection* connection, const std::string& sql,
                      const std::vector<PgParameter>& parameters);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_EXPLAIN_H
