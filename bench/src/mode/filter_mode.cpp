// filter: ORDER BY distance LIMIT 10 where only a few rows of many pass a condition on a column
// that is not in the index, once written in the query and once imposed by a row-level security
// policy.

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "engine/server_engine.h"
#include "mode/mode.h"
#include "pg/explain.h"
#include "report/environment.h"
#include "report/markdown_report.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

namespace {

constexpr int kWanted = 7;  // the value of `owner` that the matching rows have
constexpr char kRole[] = "quiver_bench_tenant";

struct FilterSettings {
  size_t matching = 10;
  size_t queries = 20;
  int k = 10;
  int cpu = 0;
};

struct Plan {
  const char* label;
  const char* setting;
};

constexpr Plan kPlans[] = {
    {"exact scan", "SET enable_indexscan = off"},
    {"index", "SET enable_seqscan = off"},
    {"planner's choice", "SELECT 1"},
};

// Gives `matching` rows, spread evenly over the table, the owner kWanted, all others another one.
void AddOwner(PgConnection* connection, const std::string& table, size_t rows, size_t matching) {
  size_t every = std::max<size_t>(1, rows / std::max<size_t>(1, matching));
  connection->Exec("ALTER TABLE " + table + " ADD COLUMN owner int");
  connection->Exec(
      fmt::format("UPDATE {} SET owner = CASE WHEN id % {} = {} AND id / {} < {} THEN {} ELSE {} + "
                  "1 + id % 5 END",
                  table, every, every / 2, every, matching, kWanted, kWanted));
  connection->Exec("ALTER TABLE " + table + " ALTER COLUMN owner SET NOT NULL");
  connection->Exec("VACUUM (FULL, ANALYZE) " + table);
}

void AddPolicy(PgConnection* connection, const std::string& table, const std::string& types) {
  connection->Exec(
      fmt::format("DO $$ BEGIN CREATE ROLE {} NOLOGIN; EXCEPTION WHEN duplicate_object "
                  "THEN NULL; END $$",
                  kRole));
  connection->Exec(fmt::format("GRANT USAGE ON SCHEMA {}, {} TO {}", QuoteIdentifier(kBenchSchema),
                               QuoteIdentifier(types), kRole));
  connection->Exec(fmt::format("GRANT SELECT ON {} TO {}", table, kRole));
  connection->Exec(fmt::format("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table));
  connection->Exec(
      fmt::format("CREATE POLICY tenant ON {} TO {} USING "
                  "(owner = current_setting('bench.owner')::int)",
                  table, kRole));
}

struct Measured {
  std::string plan;
  int fewest = 0, most = 0;  // rows a query returned
  double seconds = 0;        // median
};

Measured Measure(PgConnection* session, const ServerEngine& engine, const std::string& sql,
                 const Matrix& queries) {
  Measured measured;
  const AccessMethod& am = engine.table().am();
  Oid type = am.SearchTypeOid(session);
  std::vector<double> seconds;
  session->Prepare("filtered", sql, {type});
  for (size_t i = 0; i < queries.rows; ++i) {
    std::string value;
    AppendValue(am.search_wire(), queries, queries.Row(i), &value);
    if (i == 0) {
      Explained plan = ExplainPlan(session, sql, {{type, value}});
      measured.plan = plan.index.empty() ? plan.scan_type : plan.scan_type + " by " + plan.index;
    }
    const char* values[] = {value.data()};
    int lengths[] = {static_cast<int>(value.size())};
    int formats[] = {1};
    Stopwatch watch;
    PgResult result(PQexecPrepared(session->raw(), "filtered", 1, values, lengths, formats, 1),
                    PQclear);
    seconds.push_back(watch.Seconds());
    session->Check(result.get(), sql);
    int rows = PQntuples(result.get());
    measured.fewest = i == 0 ? rows : std::min(measured.fewest, rows);
    measured.most = i == 0 ? rows : std::max(measured.most, rows);
  }
  session->Exec("DEALLOCATE filtered");
  measured.seconds = Percentile(seconds, 0.5);
  return measured;
}

void MeasureEngine(const FilterSettings& s, const ServerEngine& engine, const Matrix& queries,
                   MarkdownTable* table) {
  std::string plain =
      fmt::format("SELECT id FROM {} WHERE owner = {} ORDER BY {} LIMIT {}", engine.table().name(),
                  kWanted, engine.table().DistanceSql(engine.metric()), s.k);
  std::string under_policy = engine.table().SearchSql(engine.metric(), s.k);
  for (bool policy : {false, true}) {
    double exact = 0;
    for (const Plan& plan : kPlans) {
      auto session = engine.NewSession(/*choose_plan_freely=*/true);
      session->Exec(plan.setting);
      if (policy) {
        session->Exec(fmt::format("SET bench.owner = {}", kWanted));
        session->Exec(fmt::format("SET ROLE {}", kRole));
      }
      PinTo(session->backend_pid(), {s.cpu});
      // Once to warm the session up, then measured.
      Measure(session.get(), engine, policy ? under_policy : plain, queries.First(2));
      Measured m = Measure(session.get(), engine, policy ? under_policy : plain, queries);
      if (exact == 0) exact = m.seconds;
      table->Add({engine.label(), policy ? "row-level security" : "WHERE", plan.label, m.plan,
                  m.fewest == m.most ? std::to_string(m.fewest)
                                     : fmt::format("{} .. {}", m.fewest, m.most),
                  fmt::format("{:.2f}", m.seconds * 1e3),
                  fmt::format("{:.2f}x", m.seconds / exact)});
    }
  }
}

}  // namespace

void RunFilter(const CommandLine& options) {
  FilterSettings s;
  std::string data = options.Get("data", "synthetic:n=300000,d=100,q=100");
  s.matching = static_cast<size_t>(options.GetInt("matching", 10));
  s.queries = static_cast<size_t>(options.GetInt("queries", 20));
  s.k = static_cast<int>(options.GetInt("k", 10));
  s.cpu = static_cast<int>(options.GetInt("cpu", 0));
  std::string cache = CacheDirOf(options);
  EngineContext context = ContextOf(options);
  BuildSettings build = BuildSettingsOf(options);
  std::vector<std::string> specs = EngineSpecsOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "filter"));
  options.RefuseUnused();
  if (s.matching < 1 || s.queries < 1) Fail("--matching and --queries must be at least 1");
  build.reuse = false;  // the table gets a column that others do not expect

  Dataset dataset = OpenDataset(data, cache);
  MarkdownTable table({"engine", "condition by", "plan asked for", "plan", "rows", "median ms",
                       "of the exact scan"});
  std::string load = LoadAverage();
  PinnedScope pinned(s.cpu);
  for (const std::string& text : specs) {
    Spec spec = Spec::Parse(text);
    spec.values["label"] = "filter " + spec.Get("label", spec.name);
    ServerEngine engine(spec, context, /*with_index=*/true);
    fmt::print(stderr, "{}: loading and building ...\n", engine.label());
    engine.BuildWith(dataset, build, [&](PgConnection* connection) {
      AddOwner(connection, engine.table().name(), dataset.base.rows, s.matching);
      AddPolicy(connection, engine.table().name(), engine.table().am().schema);
    });
    MeasureEngine(s, engine, dataset.queries.First(s.queries), &table);
  }

  report.Heading("filter: " + dataset.name);
  report.Paragraph(CommandOf("filter", options));
  PgConnection connection(context.conninfo);
  report.Bullets({
      fmt::format("ORDER BY distance LIMIT {}; {} of {} rows meet the condition", s.k, s.matching,
                  Thousands(static_cast<double>(dataset.base.rows))),
      "machine: " + MachineLine() + "; load average before " + load,
      fmt::format(
          "one client, pinned with its backend to CPU {}; default settings but for the plan "
          "asked for, and no parallel scan; {} queries",
          s.cpu, s.queries),
      "server: " + ServerLine(&connection),
  });
  report.Table(table, "table");
}

}  // namespace quiver::bench
