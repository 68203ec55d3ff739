#include "engine/server_cost.h"

#include <algorithm>
#include <vector>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "engine/server_searcher.h"
#include "pg/explain.h"

namespace quiver::bench {

namespace {

constexpr size_t kWarmUp = 20;  // past the five custom plans of a prepared statement
constexpr size_t kSearches = 2000, kFewestSearches = 50;  // of passes 2 and 3
constexpr double kPassSeconds = 5;                        // about the longest that a pass may take

void RunAll(Searcher* searcher, const Matrix& queries, int k) {
  std::vector<int64_t> ids(static_cast<size_t>(k));
  for (size_t i = 0; i < queries.rows; ++i) searcher->Search(queries.Row(i), ids.data());
}

void AddBuffers(const ServerEngine& engine, const Matrix& queries, int k, int ef,
                ServerCost* cost) {
  auto session = engine.NewSession();
  engine.SetEf(session.get(), ef);
  std::string sql = engine.table().SearchSql(engine.metric(), k);
  for (size_t i = 0; i < queries.rows; ++i) {
    Explained explained = ExplainAnalyze(
        session.get(), sql, {engine.table().QueryParameter(session.get(), queries.Row(i))});
    if (engine.max_ef() > 0 && explained.index != engine.table().index_name())
      Fail("{} was not searched by its index but by a {}", engine.label(), explained.scan_type);
    cost->query_buffers += explained.query_buffers / static_cast<double>(queries.rows);
    cost->scan_buffers += explained.scan_buffers / static_cast<double>(queries.rows);
  }
}

double IndexBlocks(PgConnection* session, const std::string& index) {
  return ParseDouble("blocks", session
                                   ->Value("SELECT idx_blks_hit + idx_blks_read FROM "
                                           "pg_catalog.pg_statio_all_indexes WHERE indexrelid = " +
                                           QuoteLiteral(index) + "::regclass")
                                   .value_or("0"));
}

void AddBlocksAndCpu(const ServerEngine& engine, ServerSearcher* searcher, const Matrix& queries,
                     int k, ServerCost* cost) {
  PgConnection* session = searcher->connection();
  bool flush = session->server_version() >= 150000;
  std::string index = engine.table().qualified_index();
  bool has_index = engine.max_ef() > 0;
  double before = 0;
  if (flush && has_index) {
    session->Exec("SELECT pg_catalog.pg_stat_force_next_flush()");
    before = IndexBlocks(session, index);
  }
  std::optional<double> cpu_before;
  if (session->is_local()) cpu_before = CpuSecondsOf(session->backend_pid());
  RunAll(searcher, queries, k);
  double n = static_cast<double>(queries.rows);
  if (cpu_before) {
    std::optional<double> cpu_after = CpuSecondsOf(session->backend_pid());
    if (cpu_after) cost->cpu_seconds = (*cpu_after - *cpu_before) / n;
  }
  if (flush && has_index) {
    session->Exec("SELECT pg_catalog.pg_stat_force_next_flush()");
    cost->index_blocks = (IndexBlocks(session, index) - before) / n;
  }
}

void AddExecutorTime(ServerSearcher* searcher, const Matrix& queries, int k, const std::string& sql,
                     ServerCost* cost) {
  PgConnection* session = searcher->connection();
  auto schema = session->Value(
      "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n "
      "ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'");
  if (!schema) return;
  std::string qualified = QuoteIdentifier(*schema) + ".pg_stat_statements";
  if (!session->TryExec("SELECT " + qualified + "_reset()")) return;  // not preloaded, or not ours
  if (!session->TryExec("SET pg_stat_statements.track = 'top'")) return;
  RunAll(searcher, queries, k);
  session->Exec("SET pg_stat_statements.track = 'none'");
  auto mean = session->Value(
      "SELECT mean_exec_time FROM " + qualified + " WHERE calls = " + std::to_string(queries.rows) +
      " AND strpos(query, " + QuoteLiteral(sql.substr(0, sql.find("$1"))) + ") = 1");
  if (mean) cost->executor_seconds = ParseDouble("mean_exec_time", *mean) * 1e-3;
}

}  // namespace

ServerCost MeasureServerCost(const ServerEngine& engine, const Matrix& queries, int k, int ef) {
  ServerCost cost;
  {
    // Created once by whoever measures first; where it may not, the time is left out.
    auto session = engine.NewSession();
    session->TryExec("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
  }
  ServerSearcher searcher(engine, k);
  searcher.SetEf(ef);
  PinnedScope pinned(0);
  searcher.Pin(0);
  Stopwatch watch;
  const size_t warm_up = std::min(engine.max_ef() == 0 ? 5 : kWarmUp, queries.rows);
  RunAll(&searcher, queries.First(warm_up), k);
  double each = watch.Seconds() / static_cast<double>(warm_up);
  size_t affordable = std::max(static_cast<size_t>(kPassSeconds / each), kFewestSearches);
  Matrix sample = queries.First(std::min(affordable, kSearches));
  AddBuffers(engine, queries.First(std::min(affordable, kExplained)), k, ef, &cost);
  AddBlocksAndCpu(engine, &searcher, sample, k, &cost);
  AddExecutorTime(&searcher, sample, k, engine.table().SearchSql(engine.metric(), k), &cost);
  return cost;
}

}  // namespace quiver::bench
