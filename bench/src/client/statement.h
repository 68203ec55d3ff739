// One prepared statement of any shape, run and timed by one client: parameters in binary, ids back.
#ifndef QUIVER_BENCH_CLIENT_STATEMENT_H
#define QUIVER_BENCH_CLIENT_STATEMENT_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/server_engine.h"
#include "pg/explain.h"

namespace quiver::bench {

struct StatementAnswer {
  double seconds = 0;
  std::vector<int64_t> ids;  // the first column, an int8
};

class Statement {
 public:
  // $1 is a query of the engine's searched type, all further ones are float8.
  Statement(PgConnection* session, const ServerEngine& engine, const std::string& sql,
            int float_parameters = 0);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Nothing when statement_timeout ended it.
  std::optional<StatementAnswer> Run(const float* query, const std::vector<double>& floats = {});
  // The plan for these values, which is not run.
  Explained Plan(const float* query, const std::vector<double>& floats = {}) const;

 private:
  std::vector<PgParameter> Parameters(const float* query, const std::vector<double>& floats) const;

  PgConnection* session_;
  const ServerEngine& engine_;
  std::string sql_;
  Oid query_type_;
};

// "Index Scan by NAME", or the scan alone.
std::string PlanText(const Explained& plan);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_STATEMENT_H
