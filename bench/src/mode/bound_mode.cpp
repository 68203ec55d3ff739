// bound: rows within a distance of the query, however many they are: no LIMIT.  For each query the
// bound lies half-way between the distances of the last row that shall meet it and the next one.
#include <algorithm>
#include <unordered_set>

#include "base/failure.h"
#include "base/pinning.h"
#include "client/statement.h"
#include "mode/mode.h"
#include "report/environment.h"
#include "report/markdown_report.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

namespace {

struct BoundSettings {
  size_t matching = 50;
  size_t queries = 20;
  int cpu = 0;
};

struct Shape {
  std::string label;
  std::string sql;
};

struct PlanWish {
  const char* label;
  const char* setting;
};

constexpr PlanWish kExact = {"exact scan", "SET enable_indexscan = off"};
constexpr PlanWish kFree = {"planner's choice", "SELECT 1"};
constexpr PlanWish kIndex = {"index", "SET enable_seqscan = off"};

double BoundOf(const Dataset& dataset, const GroundTruth& truth, size_t query, size_t matching) {
  return (SqlDistance(dataset.metric, truth.Distance(query, matching - 1)) +
          SqlDistance(dataset.metric, truth.Distance(query, matching))) /
         2;
}

// What one shape under one wish gave, over all queries.
struct BoundRun {
  std::string plan;
  size_t wanted = 0, found = 0;
  size_t wrong = 0;  // rows beyond the bound, or returned twice
  double seconds = 0;
};

BoundRun Measure(const BoundSettings& s, const ServerEngine& engine, const Dataset& dataset,
                 const GroundTruth& truth, const Shape& shape, const PlanWish& wish) {
  auto session = engine.NewSession(/*choose_plan_freely=*/true);
  session->Exec(wish.setting);
  PinTo(session->backend_pid(), {s.cpu});
  Statement statement(session.get(), engine, shape.sql, 1);
  BoundRun run;
  std::vector<double> seconds;
  for (size_t q = 0; q < s.queries; ++q) {
    const float* query = dataset.queries.Row(q);
    double bound = BoundOf(dataset, truth, q, s.matching);
    if (q == 0) {
      run.plan = PlanText(statement.Plan(query, {bound}));
      statement.Run(query, {bound});  // warms the session up
    }
    auto answer = statement.Run(query, {bound});
    if (!answer) Fail("statement_timeout is set: {}", shape.sql);
    seconds.push_back(answer->seconds);
    for (size_t rank = 0; rank < truth.k(); ++rank)
      run.wanted += SqlDistance(dataset.metric, truth.Distance(q, rank)) < bound ? 1 : 0;
    std::unordered_set<int64_t> seen;
    for (int64_t id : answer->ids) {
      double distance = dataset.Distance(q, static_cast<size_t>(id));
      bool right = seen.insert(id).second && SqlDistance(dataset.metric, distance) < bound;
      ++(right ? run.found : run.wrong);
    }
  }
  run.seconds = Percentile(seconds, 0.5);
  return run;
}

std::vector<Shape> ShapesOf(const BoundSettings& s, const ServerEngine& engine,
                            PgConnection* connection) {
  const ServerTable& table = engine.table();
  std::string distance = table.DistanceSql(engine.metric());
  std::vector<Shape> shapes = {
      {"distance < r", fmt::format("SELECT id FROM {} WHERE {} < $2", table.name(), distance)},
      {"distance < r ORDER BY distance",
       fmt::format("SELECT id FROM {0} WHERE {1} < $2 ORDER BY {1}", table.name(), distance)},
      {fmt::format("the nearest {}, of them distance < r", 2 * s.matching),
       fmt::format("SELECT id FROM (SELECT id, {1} AS d FROM {0} ORDER BY {1} LIMIT {2}) nearest "
                   "WHERE d < $2",
                   table.name(), distance, 2 * s.matching)}};
  const std::string& schema = table.am().schema;
  if (connection->Value(
          "SELECT 1 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON "
          "n.oid = p.pronamespace WHERE p.proname = 'quiver_within' AND n.nspname = " +
          QuoteLiteral(schema)))
    shapes.push_back(
        {"quiver_within(embedding, q, r)",
         fmt::format("SELECT id FROM {} WHERE {}.quiver_within({}, $1, $2, '{}')", table.name(),
                     QuoteIdentifier(schema), table.am().SearchedSql(table.shape().dim),
                     MetricName(engine.metric()))});
  return shapes;
}

void MeasureEngine(const BoundSettings& s, const ServerEngine& engine, const Dataset& dataset,
                   const GroundTruth& truth, MarkdownTable* table) {
  auto connection = engine.NewSession();
  double exact = 0;
  for (const Shape& shape : ShapesOf(s, engine, connection.get())) {
    for (const PlanWish& wish : {kExact, kFree, kIndex}) {
      if (wish.label == kExact.label && exact > 0) continue;
      fmt::print(stderr, "{}: {}, {} ...\n", engine.label(), shape.label, wish.label);
      BoundRun run = Measure(s, engine, dataset, truth, shape, wish);
      if (exact == 0) exact = run.seconds;
      table->Add({engine.label(), shape.label, wish.label, run.plan,
                  fmt::format("{:.4f}", static_cast<double>(run.found) /
                                            static_cast<double>(std::max<size_t>(1, run.wanted))),
                  std::to_string(run.wrong), fmt::format("{:.2f}", run.seconds * 1e3),
                  fmt::format("{:.3f}x", run.seconds / exact)});
    }
  }
}

}  // namespace

void RunBound(const CommandLine& options) {
  BoundSettings s;
  std::string data = options.Get("data", "synthetic:n=300000,d=100,q=100");
  s.matching = static_cast<size_t>(options.GetInt("matching", 50));
  s.queries = static_cast<size_t>(options.GetInt("queries", 20));
  s.cpu = static_cast<int>(options.GetInt("cpu", 0));
  std::string cache = CacheDirOf(options);
  EngineContext context = ContextOf(options);
  BuildSettings build = BuildSettingsOf(options);
  std::vector<std::string> specs = EngineSpecsOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "bound"));
  options.RefuseUnused();

  Dataset dataset = OpenDataset(data, cache);
  s.queries = std::min(s.queries, dataset.queries.rows);
  if (s.matching < 1 || s.matching >= dataset.base.rows || s.queries < 1)
    Fail("--matching must be less than the rows, it and --queries at least 1");
  GroundTruth truth = GroundTruth::For(dataset, std::max<size_t>(100, s.matching + 1), cache);
  MarkdownTable table({"engine", "condition", "plan asked for", "plan", "recall", "wrong rows",
                       "median ms", "of the exact scan"});
  std::string load = LoadAverage();
  PinnedScope pinned(s.cpu);
  for (const auto& engine : MakeEngines(specs, context)) {
    auto* server = dynamic_cast<ServerEngine*>(engine.get());
    if (server == nullptr || engine->max_ef() == 0)
      Fail("bound is for access methods of a server, not for {}", engine->label());
    fmt::print(stderr, "{}: loading and building ...\n", engine->label());
    engine->Build(dataset, build);
    MeasureEngine(s, *server, dataset, truth, &table);
  }

  report.Heading("bound: " + dataset.name);
  report.Paragraph(CommandOf("bound", options));
  PgConnection connection(context.conninfo);
  report.Bullets({
      fmt::format("{} of {} rows x {} dimensions, {}, meet the bound; no LIMIT; {} queries",
                  s.matching, Thousands(static_cast<double>(dataset.base.rows)), dataset.dim(),
                  MetricName(dataset.metric), s.queries),
      "machine: " + MachineLine() + "; load average before " + load,
      fmt::format("one client, pinned with its backend to CPU {}; prepared statement; default "
                  "settings but for the plan asked for, and no parallel scan",
                  s.cpu),
      "server: " + ServerLine(&connection),
  });
  report.Table(table, "table");
}

}  // namespace quiver::bench
