// tenancy: what each way to keep tenants apart costs a search.
#include <algorithm>

#include "base/failure.h"
#include "base/pinning.h"
#include "client/statement.h"
#include "mode/mode.h"
#include "mode/tenancy_tables.h"
#include "report/environment.h"
#include "report/markdown_report.h"

namespace quiver::bench {

namespace {

struct TenancySettings {
  int tenants = 100;
  size_t queries = 20;
  int k = 10;
  int cpu = 0;
};

// One way to keep tenants apart.
struct Recipe {
  std::string label;
  const TenantTable* table;
  std::optional<TenantPolicy> policy;  // under which the role searches
  bool where = false;                  // whether the statement names the tenant
};

std::vector<Recipe> RecipesOf(const TenancyTables& tables) {
  return {
      {"one table, WHERE tenant_id = n", &tables.one(), std::nullopt, true},
      {"one table, policy on current_setting", &tables.one(), TenantPolicy::kSetting, false},
      {"one table, policy on (SELECT current_setting)", &tables.one(), TenantPolicy::kSettingOnce,
       false},
      {"one table, policy = ANY (ARRAY(SELECT ...))", &tables.one(), TenantPolicy::kMembers, false},
      {"partitioned, policy on current_setting", &tables.partitioned(), TenantPolicy::kSetting,
       false},
      {"partitioned, policy and WHERE tenant_id = n", &tables.partitioned(), TenantPolicy::kSetting,
       true},
      {"partitioned, policy = ANY (ARRAY(SELECT ...))", &tables.partitioned(),
       TenantPolicy::kMembers, false},
      {"partial index a tenant, WHERE tenant_id = n", &tables.partial(), std::nullopt, true},
  };
}

struct Answers {
  std::string plan;
  double seconds = 0;
  std::vector<std::vector<int64_t>> ids;  // of each query
};

Answers Ask(PgConnection* session, const ServerEngine& engine, const std::string& sql,
            const Matrix& queries) {
  Answers answers;
  std::vector<double> seconds;
  Statement statement(session, engine, sql);
  answers.plan = PlanText(statement.Plan(queries.Row(0)));
  // Past the custom plans with which a prepared statement begins.
  for (int i = 0; i < 6; ++i) statement.Run(queries.Row(0));
  for (size_t i = 0; i < queries.rows; ++i) {
    auto answer = statement.Run(queries.Row(i));
    if (!answer) Fail("statement_timeout is set: {}", sql);
    seconds.push_back(answer->seconds);
    answers.ids.push_back(std::move(answer->ids));
  }
  answers.seconds = Percentile(seconds, 0.5);
  return answers;
}

// The share of the exact answers' rows that came: those not farther than the last of them.
double RecallOf(const Dataset& dataset, const Answers& exact, const Answers& answers) {
  size_t wanted = 0, found = 0;
  for (size_t q = 0; q < exact.ids.size(); ++q) {
    wanted += exact.ids[q].size();
    double last = 0;
    for (size_t i = 0; i < exact.ids[q].size(); ++i) {
      double distance = dataset.Distance(q, static_cast<size_t>(exact.ids[q][i]));
      last = i == 0 ? distance : std::max(last, distance);
    }
    for (int64_t id : answers.ids[q])
      found += dataset.Distance(q, static_cast<size_t>(id)) <= last ? 1 : 0;
  }
  return wanted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(wanted);
}

std::string RowsText(const Answers& answers) {
  auto [fewest, most] =
      std::minmax_element(answers.ids.begin(), answers.ids.end(),
                          [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (fewest->size() == most->size()) return std::to_string(most->size());
  return fmt::format("{} .. {}", fewest->size(), most->size());
}

// Index names differ by partition and tenant: what matters is which kind it is.
std::string KindOfPlan(const std::string& plan) {
  if (plan.find(" by ") == std::string::npos) return plan;
  bool btree = plan.ends_with("_tenant") || plan.find("tenant_id_idx") != std::string::npos;
  return btree ? "btree, sort" : "vector index";
}

void MeasureTenant(const TenancySettings& s, const ServerEngine& engine, const Dataset& dataset,
                   const TenancyTables& tables, int tenant, MarkdownTable* table) {
  auto owner = engine.NewSession(/*choose_plan_freely=*/true);
  owner->Exec("DELETE FROM " + tables.members());
  owner->Exec(fmt::format("INSERT INTO {} VALUES (session_user, {})", tables.members(), tenant));
  PinTo(owner->backend_pid(), {s.cpu});
  Matrix queries = dataset.queries.First(s.queries);
  std::string distance = engine.table().DistanceSql(engine.metric());
  // + 0 keeps the distance and hides the order from the vector index.
  Answers exact =
      Ask(owner.get(), engine,
          fmt::format("SELECT id FROM {} WHERE tenant_id = {} ORDER BY ({}) + 0 LIMIT {}",
                      tables.one().name, tenant, distance, s.k),
          queries);
  std::string size = fmt::format("{} rows", Thousands(static_cast<double>(tables.RowsOf(tenant))));
  table->Add({engine.label(), size, "one table, exact", KindOfPlan(exact.plan), RowsText(exact),
              "1.0000", fmt::format("{:.2f}", exact.seconds * 1e3), "1.00x"});
  for (const Recipe& recipe : RecipesOf(tables)) {
    auto session = engine.NewSession(/*choose_plan_freely=*/true);
    PinTo(session->backend_pid(), {s.cpu});
    session->Exec(fmt::format("SET app.tenant_id = '{}'", tenant));
    if (recipe.policy) session->Exec("SET ROLE " + RoleOf(*recipe.policy));
    std::string where = recipe.where ? fmt::format(" WHERE tenant_id = {}", tenant) : "";
    Answers answers = Ask(session.get(), engine,
                          fmt::format("SELECT id FROM {}{} ORDER BY {} LIMIT {}",
                                      recipe.table->name, where, distance, s.k),
                          queries);
    table->Add({engine.label(), size, recipe.label, KindOfPlan(answers.plan), RowsText(answers),
                fmt::format("{:.4f}", RecallOf(dataset, exact, answers)),
                fmt::format("{:.2f}", answers.seconds * 1e3),
                fmt::format("{:.2f}x", answers.seconds / exact.seconds)});
  }
}

void AddSizes(const ServerEngine& engine, const TenancyTables& tables, MarkdownTable* table) {
  auto add = [&](const char* label, const TenantTable& t) {
    table->Add(
        {engine.label(), label, fmt::format("{:.1f}", t.build_seconds), Megabytes(t.index_bytes)});
  };
  add("one index", tables.one());
  add("an index a partition", tables.partitioned());
  add("a partial index a tenant", tables.partial());
}

}  // namespace

void RunTenancy(const CommandLine& options) {
  TenancySettings s;
  std::string data = options.Get("data", "synthetic:n=100000,d=128,q=100");
  s.tenants = static_cast<int>(options.GetInt("tenants", s.tenants));
  s.queries = static_cast<size_t>(options.GetInt("queries", 20));
  s.k = static_cast<int>(options.GetInt("k", 10));
  s.cpu = static_cast<int>(options.GetInt("cpu", 0));
  std::string cache = CacheDirOf(options);
  EngineContext context = ContextOf(options);
  BuildSettings build = BuildSettingsOf(options);
  std::vector<std::string> specs = EngineSpecsOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "tenancy"));
  options.RefuseUnused();
  if (s.tenants < 3 || s.tenants > 1000) Fail("--tenants must be between 3 and 1000");

  Dataset dataset = OpenDataset(data, cache);
  MarkdownTable table({"engine", "tenant has", "recipe", "plan", "rows", "recall", "median ms",
                       "of the exact plan"});
  MarkdownTable sizes({"engine", "vector indexes", "build s", "size"});
  std::string load = LoadAverage();
  PinnedScope pinned(s.cpu);
  for (const std::string& text : specs) {
    Spec spec = Spec::Parse(text);
    spec.values["label"] = "tenants " + spec.Get("label", spec.name);
    ServerEngine engine(spec, context, /*with_index=*/true);
    TenancyTables tables(&engine, s.tenants);
    fmt::print(stderr, "{}: loading and building ...\n", engine.label());
    tables.Build(dataset, build);
    for (int tenant : {1, s.tenants / 10 + 1, s.tenants})
      MeasureTenant(s, engine, dataset, tables, tenant, &table);
    AddSizes(engine, tables, &sizes);
  }

  report.Heading("tenancy: " + dataset.name);
  report.Paragraph(CommandOf("tenancy", options));
  PgConnection connection(context.conninfo);
  report.Bullets({
      fmt::format(
          "ORDER BY distance LIMIT {} for one of {} tenants, whose shares of {} rows are as "
          "1/1, 1/2, 1/3, ...; {} queries",
          s.k, s.tenants, Thousands(static_cast<double>(dataset.base.rows)), s.queries),
      "the planner's choice with default settings and a btree on tenant_id, prepared; the exact "
      "plan is the planner's without the vector index",
      "machine: " + MachineLine() + "; load average before " + load,
      fmt::format("one client, pinned with its backend to CPU {}", s.cpu),
      "server: " + ServerLine(&connection),
  });
  report.Table(table, "table");
  report.Table(sizes, "sizes");
}

}  // namespace quiver::bench
