#include "engine/server_engine.h"

#include <algorithm>

#include "base/failure.h"
#include "base/stopwatch.h"
#include "engine/server_cost.h"
#include "engine/server_searcher.h"
#include "pg/explain.h"

namespace quiver::bench {

namespace {

constexpr char kDefaultEf[] = "default";
constexpr char kEfOfK[] = "k";

std::string IndexOptions(const Spec& spec) {
  std::string with = spec.Get("with", "");
  std::replace(with.begin(), with.end(), '+', ',');
  return with;
}

// Those of all engines, then those of this one.
EngineContext WithSettings(EngineContext context, const Spec& spec) {
  for (const std::string& setting : SplitText(spec.Get("set", ""), '+'))
    context.session_settings.push_back(setting);
  return context;
}

std::string Label(const Spec& spec) {
  return spec.Get("label", spec.name);
}

}  // namespace

ServerEngine::ServerEngine(const Spec& spec, EngineContext context, bool with_index)
    : context_(WithSettings(std::move(context), spec)),
      label_(Label(spec)),
      with_(IndexOptions(spec)),
      set_(spec.Get("set", "")),
      ef_(spec.Get("ef", "")),
      on_(spec.Get("on", "")),
      with_index_(with_index),
      fresh_(spec.GetInt("fresh", 0) != 0),
      table_(AccessMethod::FromSpec(spec), label_, {}) {
  spec.Allow({"label", "with", "set", "on", "am", "extension", "schema", "ef", "ef_setting",
              "max_ef", "type", "cast", "fresh"});
  if (!ef_.empty() && ef_ != kDefaultEf && ef_ != kEfOfK) ParseInt("ef", ef_);
}

std::string ServerEngine::Description() {
  auto connection = NewSession();
  auto version =
      connection->Value("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = " +
                        QuoteLiteral(table_.am().extension));
  const AccessMethod& am = table_.am();
  if (!with_index_)
    return fmt::format("sequential scan over {}.{}, one process", am.extension, am.type);
  std::string text = fmt::format("access method {} of extension {} {}, type {}", am.name,
                                 am.extension, version.value_or("?"), am.type);
  if (!am.cast.empty()) text += ", index and search on its cast to " + am.cast;
  if (!with_.empty()) text += ", WITH " + with_;
  if (!on_.empty()) text += ", table and index of " + on_;
  for (const std::string& setting : SplitText(set_, '+')) text += ", SET " + setting;
  return text;
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

void ServerEngine::SetEf(PgConnection* session, int ef) const {
  if (with_index_ && ef > 0) session->Exec(fmt::format("SET {} = {}", table_.am().ef_setting, ef));
}

std::optional<int> ServerEngine::GivenEf(int k) const {
  if (!with_index_ || ef_ == kDefaultEf) return 0;
  if (ef_.empty()) return std::nullopt;
  return ef_ == kEfOfK ? std::min(k, max_ef()) : static_cast<int>(ParseInt("ef", ef_));
}

BuildReport ServerEngine::Build(const Dataset& dataset, const BuildSettings& settings) {
  return BuildWith(dataset, settings, [](PgConnection*) {});
}

BuildReport ServerEngine::BuildWith(const Dataset& dataset, const BuildSettings& settings,
                                    const std::function<void(PgConnection*)>& prepare) {
  metric_ = dataset.metric;
  base_rows_ = dataset.base.rows;
  auto connection = NewSession();
  AccessMethod am = table_.am();
  am.ChooseType(dataset.base.form);
  am.Install(connection.get());
  table_ = ServerTable(am, on_.empty() ? label_ : on_, dataset.base);
  BuildReport report;
  if (!on_.empty()) return report;
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
    AppendValue(table_.am().wire(), rows, rows.Row(i), &value);
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
  Explained plan = ExplainPlan(connection.get(), table_.SearchSql(metric_, k),
                               {table_.QueryParameter(connection.get(), queries.Row(0))});
  return plan.index == table_.index_name() ? "index" : plan.scan_type;
}

}  // namespace quiver::bench
