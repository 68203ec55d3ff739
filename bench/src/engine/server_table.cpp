#include "engine/server_table.h"

#include <cctype>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "pg/copy_in.h"

namespace quiver::bench {

namespace {

std::string TableSuffix(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return text;
}

std::string CommentOf(PgConnection* connection, const std::string& relation) {
  return connection
      ->Value("SELECT pg_catalog.obj_description(pg_catalog.to_regclass(" + QuoteLiteral(relation) +
              "), 'pg_class')")
      .value_or("");
}

// False after its type went with its extension.
bool HasEmbedding(PgConnection* connection, const std::string& table) {
  return connection
      ->Value(
          "SELECT 1 FROM pg_catalog.pg_attribute WHERE attname = 'embedding' AND NOT "
          "attisdropped AND attrelid = pg_catalog.to_regclass(" +
          QuoteLiteral(table) + ")")
      .has_value();
}

}  // namespace

ServerTable::ServerTable(AccessMethod am, const std::string& suffix, const RowShape& shape)
    : am_(std::move(am)),
      name_(QuoteIdentifier(kBenchSchema) + "." + QuoteIdentifier("t_" + TableSuffix(suffix))),
      index_name_("t_" + TableSuffix(suffix) + "_idx"),
      shape_(shape) {}

std::string ServerTable::qualified_index() const {
  return QuoteIdentifier(kBenchSchema) + "." + QuoteIdentifier(index_name_);
}

double ServerTable::Load(PgConnection* connection, const Dataset& dataset, bool reuse) {
  connection->Exec("CREATE SCHEMA IF NOT EXISTS " + QuoteIdentifier(kBenchSchema));
  std::string wanted = dataset.base_key + " " + am_.type;
  if (reuse && CommentOf(connection, name_) == wanted && HasEmbedding(connection, name_)) {
    auto rows = connection->Value("SELECT count(*) FROM " + name_);
    if (rows == std::to_string(dataset.base.rows)) return 0;
  }
  connection->Exec("DROP TABLE IF EXISTS " + name_);
  connection->Exec(fmt::format("CREATE TABLE {} (id bigint, embedding {})", name_,
                               am_.TypeSql(am_.type, shape_.dim)));
  Stopwatch watch;
  CopyIn copy(connection, name_ + " (id, embedding)");
  std::string field;
  for (size_t i = 0; i < dataset.base.rows; ++i) {
    copy.BeginRow(2);
    field.clear();
    AppendInt64(static_cast<int64_t>(i), &field);
    copy.AddField(field);
    field.clear();
    AppendValue(am_.wire(), shape_, dataset.base.Row(i), &field);
    copy.AddField(field);
  }
  copy.Finish();
  double seconds = watch.Seconds();
  // Hint bits and statistics now, not within a measurement.
  connection->Exec("VACUUM (ANALYZE) " + name_);
  connection->Exec("COMMENT ON TABLE " + name_ + " IS " + QuoteLiteral(wanted));
  return seconds;
}

void ServerTable::BuildIndex(PgConnection* connection, const Dataset& dataset,
                             const BuildSettings& settings, const std::string& with,
                             BuildReport* report) {
  std::string options =
      fmt::format("m = {}, ef_construction = {}", settings.m, settings.ef_construction);
  if (!with.empty()) options += ", " + with;
  std::string sql =
      fmt::format("CREATE INDEX {} ON {} USING {} ({} {}) WITH ({})", QuoteIdentifier(index_name_),
                  name_, QuoteIdentifier(am_.name), am_.SearchedSql(shape_.dim),
                  am_.OperatorClass(connection, dataset.metric), options);
  std::string wanted =
      fmt::format("{}; workers {}; memory {}; seconds ", sql, settings.workers, settings.memory);
  std::string comment = CommentOf(connection, qualified_index());
  if (settings.reuse && comment.starts_with(wanted)) {
    report->build_seconds = ParseDouble("seconds", comment.substr(wanted.size()));
    report->reused = true;
  } else {
    connection->Exec("DROP INDEX IF EXISTS " + qualified_index());
    connection->Exec("SET maintenance_work_mem = " + QuoteLiteral(settings.memory));
    connection->Exec(fmt::format("SET max_parallel_maintenance_workers = {}", settings.workers));
    connection->Exec("CHECKPOINT");
    std::optional<double> before, after;
    if (connection->is_local()) before = CpuSecondsOf(connection->backend_pid());
    Stopwatch watch;
    connection->Exec(sql);
    report->build_seconds = watch.Seconds();
    if (before) after = CpuSecondsOf(connection->backend_pid());
    if (after) report->build_cpu_seconds = *after - *before;
    connection->Exec("COMMENT ON INDEX " + qualified_index() + " IS " +
                     QuoteLiteral(wanted + fmt::format("{:.3f}", report->build_seconds)));
  }
  report->index_bytes =
      ParseDouble("size", *connection->Value("SELECT pg_catalog.pg_relation_size(" +
                                             QuoteLiteral(qualified_index()) + ")"));
}

void ServerTable::Prewarm(PgConnection* connection, bool index) const {
  if (!connection->TryExec("CREATE EXTENSION IF NOT EXISTS pg_prewarm")) return;
  auto schema = connection->Value(
      "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n "
      "ON n.oid = e.extnamespace WHERE e.extname = 'pg_prewarm'");
  if (!schema) return;
  std::string function = QuoteIdentifier(*schema) + ".pg_prewarm";
  connection->TryExec("SELECT " + function + "(" + QuoteLiteral(name_) + ")");
  connection->TryExec("SELECT " + function +
                      "(reltoastrelid::regclass) FROM pg_catalog.pg_class "
                      "WHERE reltoastrelid <> 0 AND oid = " +
                      QuoteLiteral(name_) + "::regclass");
  if (index)
    connection->TryExec("SELECT " + function + "(" + QuoteLiteral(qualified_index()) + ")");
}

std::string ServerTable::DistanceSql(Metric metric) const {
  return am_.SearchedSql(shape_.dim) + " " + am_.Operator(metric) + " $1";
}

std::string ServerTable::SearchSql(Metric metric, int k) const {
  return fmt::format("SELECT id FROM {} ORDER BY {} LIMIT {}", name_, DistanceSql(metric), k);
}

PgParameter ServerTable::QueryParameter(PgConnection* connection, const float* query) const {
  PgParameter parameter = {am_.SearchTypeOid(connection), ""};
  AppendValue(am_.search_wire(), shape_, query, &parameter.bytes);
  return parameter;
}

}  // namespace quiver::bench
