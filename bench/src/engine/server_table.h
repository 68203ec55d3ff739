// A table (id, embedding) on the server with at most one index, filled from a data set.
#ifndef QUIVER_BENCH_ENGINE_SERVER_TABLE_H
#define QUIVER_BENCH_ENGINE_SERVER_TABLE_H

#include <string>

#include "engine/engine.h"
#include "pg/access_method.h"

namespace quiver::bench {

constexpr char kBenchSchema[] = "quiver_bench";

class ServerTable {
 public:
  // `suffix` names the table within kBenchSchema; `shape` is that of its rows.
  ServerTable(AccessMethod am, const std::string& suffix, const RowShape& shape);

  const AccessMethod& am() const { return am_; }
  const RowShape& shape() const { return shape_; }
  const std::string& name() const { return name_; }              // qualified and quoted
  const std::string& index_name() const { return index_name_; }  // plain
  std::string qualified_index() const;

  // Loads the rows unless the table holds them already and `reuse` is set; seconds, 0 if kept.
  double Load(PgConnection* connection, const Dataset& dataset, bool reuse);

  // Builds the index with `with` ("storage=float32") beside m and ef_construction; seconds and
  // size, or those of a former run with the same settings.
  void BuildIndex(PgConnection* connection, const Dataset& dataset, const BuildSettings& settings,
                  const std::string& with, BuildReport* report);

  // Everything into the buffer cache, as far as pg_prewarm is to be had.
  void Prewarm(PgConnection* connection, bool index) const;

  // The distance of a row to $1.
  std::string DistanceSql(Metric metric) const;
  // SELECT id ... ORDER BY the distance to $1 LIMIT k.
  std::string SearchSql(Metric metric, int k) const;
  // $1 of these statements.
  PgParameter QueryParameter(PgConnection* connection, const float* query) const;

 private:
  AccessMethod am_;
  std::string name_;
  std::string index_name_;
  RowShape shape_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_SERVER_TABLE_H
