#include "engine/server_engine.h"

#include <algorithm>

#include "base/failure.h"
#include "base/stopwatch.h"
#include "engine/server_cost.h"
#include "engine/server_searcher.h"
#include "pg/explain.h"

namespace quiver::bench {

namespace {

std::string IndexOptions(const Spec& spec) {
  std::string with = spec.Get("with", "");
  std::replace(with.begin(), with.end(), '+', ',');
  return with;
}

std::string Label(const Spec& spec) {
  return spec.Get("label", spec.name);
}

}  // namespace

ServerEngine::ServerEngine(const Spec& spec, EngineContext context, bool with_index)
    : context_(std::move(context)),
      label_(Label(spec)),
      with_(IndexOptions(spec)),
      with_index_(with_index),
      fresh_(spec.GetInt("fresh", 0) != 0),
      table_(AccessMethod::FromSpec(spec), label_) {
  spec.Allow({"label", "with", "am", "extension", "schema", "ef", "max_ef", "type", "fresh"});
}

std::string ServerEngine::Description() {
  auto connection = NewSession();
  auto version =
      connection->Value("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = " +
                        QuoteLiteral(table_.am().extension));
  if (!with_index_)
    return fmt::format("sequential scan over {}.{}, one process", table_.am().extension,
                       table_.am().type);
  return fmt::format("access method {} of extension {} {}, type {}{}", table_.am().name,
                     table_.am().extension, version.value_or("?"), table_.am().type,
                     with_.empty() ? "" : ", WITH " + with_);
}

std::unique_ptr<PgConnection> ServerEngine::NewSession(bool choose_plan_freely) const {
  auto connection = std::make_unique<PgConnection>(context_.conninfo);
  connection->Exec("SET max_parallel_workers_per_gather = 0");
  connection->Exec("SET jit = off");
  connection->TryExec("SET pg_stat_statements.track = 'none'");  // MeasureServerCost turns it on
  if (!choose_plan_freely)
    connection->Exec(with_index_ ? "SET enable_seqscan = off" : "SET enable_indexscan = off");
  for (const std::string& setting : context_.session_settings) {
    size_t equals = setting.find('=');
    if (equals == std::string::npos) Fail("--set takes name=value, not \"{}\"", setting);
    connection->Exec("SET " + setting.substr(0, equals) + " = " +
                     QuoteLiteral(setting.substr(equals + 1)));
  }
  return connection;
}

std::string ServerEngine::SetEfSql(int ef) const {
  return fmt::format("SET {} = {}", table_.am().ef_setting, ef);
}

BuildReport ServerEngine::Build(const Dataset& dataset, const BuildSettings& settings) {
  return BuildWith(dataset, settings, [](PgConnection*) {});
}

BuildReport ServerEngine::BuildWith(const Dataset& dataset, const BuildSettings& settings,
                                    const std::function<void(PgConnection*)>& prepare) {
  metric_ = dataset.metric;
  base_rows_ = dataset.base.rows;
  dim_ = dataset.dim();
  auto connection = NewSession();
  AccessMethod am = table_.am();
  am.Install(connection.get());
  table_ = ServerTable(am, label_);
  BuildReport report;
  report.load_seconds = table_.Load(connection.get(), dataset, settings.reuse);
  prepare(connection.get());
  BuildSettings build = settings;
  build.reuse = settings.reuse && !fresh_;
  if (with_index_) table_.BuildIndex(connection.get(), dataset, build, with_, &report);
  table_.Prewarm(connection.get(), with_index_);
  return report;
}

std::unique_ptr<Searcher> ServerEngine::NewSearcher(int k) {
  return std::make_unique<ServerSearcher>(*this, k);
}

std::optional<ServerCost> ServerEngine::MeasureServer(const Matrix& queries, int k, int ef) {
  return MeasureServerCost(*this, queries, k, ef);
}

std::optional<InsertReport> ServerEngine::Insert(const Matrix& rows) {
  auto connection = NewSession();
  const Oid int8_oid = 20;
  connection->Prepare("insert", "INSERT INTO " + table_.name() + " (id, embedding) VALUES ($1, $2)",
                      {int8_oid, table_.am().TypeOid(connection.get())});
  InsertReport report;
  std::vector<double> seconds;
  std::string id, value;
  Stopwatch whole;
  for (size_t i = 0; i < rows.rows; ++i) {
    Stopwatch watch;
    id.clear();
    value.clear();
    AppendInt64(static_cast<int64_t>(base_rows_ + i), &id);
    AppendVector(table_.am().wire, rows.Row(i), rows.dim, &value);
    const char* values[] = {id.data(), value.data()};
    int lengths[] = {static_cast<int>(id.size()), static_cast<int>(value.size())};
    int formats[] = {1, 1};
    PgResult result(PQexecPrepared(connection->raw(), "insert", 2, values, lengths, formats, 1),
                    PQclear);
    connection->Check(result.get(), "insert");
    seconds.push_back(watch.Seconds());
  }
  report.rows = rows.rows;
  report.seconds = whole.Seconds();
  report.latency = Summarize(std::move(seconds));
  return report;
}

std::string ServerEngine::PlannersChoice(const Matrix& queries, int k) {
  if (!with_index_) return "";
  auto connection = NewSession(/*choose_plan_freely=*/true);
  std::string value;
  AppendVector(table_.am().wire, queries.Row(0), queries.dim, &value);
  Explained plan = ExplainPlan(connection.get(), table_.SearchSql(metric_, k),
                               {{table_.am().TypeOid(connection.get()), value}});
  return plan.index == table_.index_name() ? "index" : plan.scan_type;
}

}  // namespace quiver::bench
