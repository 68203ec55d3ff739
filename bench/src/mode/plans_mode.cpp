// plans: whether the planner chooses well.  A grid of tables, conditions and LIMITs; at each point
// every plan is forced and timed, and the planner is asked which it would take.
#include <algorithm>
#include <cmath>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "client/statement.h"
#include "mode/mode.h"
#include "mode/plan_grid.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

constexpr size_t kQueries = 5;
constexpr int kRuns = 3;            // of each query; the fastest counts
constexpr double kSlow = 0.1;       // seconds: such a plan is run for one query only
constexpr double kGiveUpAfter = 8;  // times the best so far
constexpr double kLeastLimit = 0.1, kMostLimit = 6;  // seconds, of statement_timeout
// f = id * kStep mod rows is a permutation, since kStep is a prime that divides no number of rows
// of the grid: a column that knows nothing of the heap's order.
constexpr int kStep = 7919;

struct Forced {
  PlanKind kind;
  // A term that keeps the distance but hides it from the vector index, whose order it no longer is.
  const char* order_suffix;
  std::vector<const char*> settings;
};

const Forced kForced[] = {
    {kByVectorIndex, "", {"enable_sort = off", "enable_seqscan = off", "enable_bitmapscan = off"}},
    {kByBtree, " + 0", {"enable_seqscan = off"}},
    {kBySeqScan, " + 0", {"enable_indexscan = off", "enable_bitmapscan = off"}},
};

class PlanBench {
 public:
  PlanBench(const ServerEngine& engine, const Matrix& queries, int cpu)
      : engine_(engine), queries_(queries.First(kQueries)) {
    btree_ = engine.table().index_name() + "_f";
    for (const Forced& forced : kForced) {
      auto session = NewSession(cpu);
      for (const char* setting : forced.settings) session->Exec(std::string("SET ") + setting);
      sessions_.push_back(std::move(session));
    }
    free_ = NewSession(cpu);
  }

  PlanPoint Measure(double selectivity, int limit) {
    PlanPoint point;
    point.dim = static_cast<int>(engine_.table().shape().dim);
    point.rows = static_cast<int>(engine_.base_rows());
    point.limit = limit;
    point.selectivity = selectivity;
    point.chosen = Choice(Sql(selectivity, limit, ""));
    // The chosen plan first: its time bounds the patience with the others.
    std::vector<PlanKind> order = {point.chosen, kByVectorIndex, kByBtree, kBySeqScan};
    double best = kMostLimit / kGiveUpAfter;
    for (PlanKind kind : order) {
      if (point.times[kind]) continue;
      point.times[kind] = Time(kind, Sql(selectivity, limit, kForced[kind].order_suffix), best);
      if (point.times[kind] && !point.times[kind]->at_least)
        best = std::min(best, point.times[kind]->seconds);
    }
    return point;
  }

 private:
  std::unique_ptr<PgConnection> NewSession(int cpu) const {
    auto session = engine_.NewSession(/*choose_plan_freely=*/true);
    PinTo(session->backend_pid(), {cpu});
    return session;
  }

  std::string Sql(double selectivity, int limit, const char* order_suffix) const {
    const ServerTable& table = engine_.table();
    long below = std::lround(selectivity * static_cast<double>(engine_.base_rows()));
    return fmt::format("SELECT id FROM {} WHERE f < {} ORDER BY ({}){} LIMIT {}", table.name(),
                       below, table.DistanceSql(engine_.metric()), order_suffix, limit);
  }

  std::optional<PlanKind> KindOf(const Explained& plan) const {
    if (plan.index == engine_.table().index_name()) return kByVectorIndex;
    if (plan.index == btree_) return kByBtree;
    if (plan.scan_type == "Seq Scan") return kBySeqScan;
    return std::nullopt;
  }

  PlanKind Choice(const std::string& sql) {
    Explained plan = Statement(free_.get(), engine_, sql).Plan(queries_.Row(0));
    auto kind = KindOf(plan);
    if (!kind) Fail("the planner chose neither of the plans that are measured: {}", PlanText(plan));
    return *kind;
  }

  // The mean over the queries of the fastest run of each.
  std::optional<PlanTime> Time(PlanKind kind, const std::string& sql, double best) {
    PgConnection* session = sessions_[kind].get();
    double limit = std::clamp(best * kGiveUpAfter, kLeastLimit, kMostLimit);
    session->Exec(fmt::format("SET statement_timeout = {:.0f}", limit * 1e3));
    Statement statement(session, engine_, sql);
    if (KindOf(statement.Plan(queries_.Row(0))) != kind) return std::nullopt;
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < queries_.rows; ++i) {
      std::optional<double> fastest;
      for (int run = 0; run < kRuns; ++run) {
        auto answer = statement.Run(queries_.Row(i));
        if (answer) fastest = std::min(fastest.value_or(answer->seconds), answer->seconds);
        if (!answer || answer->seconds > limit / 2) break;
      }
      if (!fastest) return PlanTime{limit, true};
      sum += *fastest;
      ++count;
      if (*fastest > kSlow) break;
    }
    return PlanTime{sum / static_cast<double>(count), false};
  }

  const ServerEngine& engine_;
  Matrix queries_;
  std::string btree_;
  std::vector<std::unique_ptr<PgConnection>> sessions_;  // by PlanKind
  std::unique_ptr<PgConnection> free_;
};

// The column of the condition and its index, unless a former run made them.
void AddFilter(PgConnection* connection, const ServerEngine& engine, size_t rows) {
  const std::string& table = engine.table().name();
  std::string btree = QuoteIdentifier(engine.table().index_name() + "_f");
  connection->Exec(
      fmt::format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS f int GENERATED ALWAYS AS "
                  "((id * {} % {})::int) STORED",
                  table, kStep, rows));
  connection->Exec(fmt::format("CREATE INDEX IF NOT EXISTS {} ON {} (f)", btree, table));
  connection->Exec("VACUUM (ANALYZE) " + table);
}

std::vector<double> ParseDoubleList(const std::string& what, const std::string& text) {
  std::vector<double> values;
  for (const std::string& part : SplitText(text, ',')) values.push_back(ParseDouble(what, part));
  return values;
}

PlanGrid GridOf(const CommandLine& options) {
  PlanGrid grid;
  auto take = [&](const char* key, std::vector<int>* values) {
    if (options.Has(key)) *values = ParseIntList(key, options.Get(key, ""));
    if (values->empty() || *std::min_element(values->begin(), values->end()) < 1)
      Fail("--{} needs numbers from 1", key);
  };
  take("dims", &grid.dims);
  take("rows", &grid.rows);
  take("limits", &grid.limits);
  if (options.Has("selectivities"))
    grid.selectivities = ParseDoubleList("selectivities", options.Get("selectivities", ""));
  for (int rows : grid.rows) {
    if (rows % kStep == 0) Fail("--rows must not be a multiple of {}", kStep);
  }
  return grid;
}

}  // namespace

void RunPlans(const CommandLine& options) {
  PlanReportSettings s;
  s.grid = GridOf(options);
  s.least_seconds = options.GetDouble("least-ms", 2) * 1e-3;
  std::string metric = options.Get("metric", "l2");
  int cpu = static_cast<int>(options.GetInt("cpu", 0));
  std::string cache = CacheDirOf(options);
  EngineContext context = ContextOf(options);
  BuildSettings build = BuildSettingsOf(options);
  std::vector<std::string> specs = EngineSpecsOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "plans"));
  options.RefuseUnused();
  if (specs.size() != 1) Fail("plans is for one --engine");

  std::string load = LoadAverage();
  Stopwatch whole;
  PinnedScope pinned(cpu);
  std::vector<PlanPoint> points;
  int most_rows = *std::max_element(s.grid.rows.begin(), s.grid.rows.end());
  for (int dim : s.grid.dims) {
    for (int rows : s.grid.rows) {
      Dataset dataset = OpenDataset(
          fmt::format("synthetic:n={},d={},q=100,rows={},metric={}", most_rows, dim, rows, metric),
          cache);
      Spec spec = Spec::Parse(specs[0]);
      spec.values["label"] = fmt::format("plans {} {}", dim, rows);
      ServerEngine engine(spec, context, /*with_index=*/true);
      engine.BuildWith(dataset, build, [&](PgConnection* connection) {
        AddFilter(connection, engine, dataset.base.rows);
      });
      PlanBench bench(engine, dataset.queries, cpu);
      for (double selectivity : s.grid.selectivities) {
        if (selectivity * rows < 0.5) continue;
        for (int limit : s.grid.limits) points.push_back(bench.Measure(selectivity, limit));
      }
      fmt::print(stderr, "{} dimensions, {} rows: done after {:.0f} s\n", dim, rows,
                 whole.Seconds());
    }
  }

  report.Heading("plans: " + Spec::Parse(specs[0]).name);
  report.Paragraph(CommandOf("plans", options));
  PgConnection connection(context.conninfo);
  report.Bullets({
      fmt::format("WHERE f < n ORDER BY distance LIMIT k over seeded synthetic rows, {}; f has a "
                  "btree and no order in common with the heap or with the vectors",
                  metric),
      fmt::format("each plan forced: the mean over {} queries of the fastest of {} runs each (of "
                  "one query above {:g} ms), given up after {:g} times the best plan so far; the "
                  "planner's own choice is that of a session with default settings, without "
                  "parallel scans",
                  kQueries, kRuns, kSlow * 1e3, kGiveUpAfter),
      "machine: " + MachineLine() + "; load average before " + load,
      fmt::format("one client, pinned with its backends to CPU {}; all of it cached", cpu),
      "server: " + ServerLine(&connection),
  });
  ReportPlans(s, points, &report);
}

}  // namespace quiver::bench
