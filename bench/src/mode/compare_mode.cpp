// compare: engines side by side over one data set.

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/failure.h"
#include "client/cold_run.h"
#include "client/search_run.h"
#include "mode/compare_tables.h"
#include "mode/mode.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

std::string NameOf(const CommandLine& options, const std::string& data) {
  std::string name = options.Get("name", "compare-" + Spec::Parse(data).name);
  return name;
}

void Introduce(const CompareSettings& s, const CommandLine& options, const Dataset& dataset,
               const std::vector<std::unique_ptr<Engine>>& engines, const EngineContext& context,
               MarkdownReport* report) {
  report->Heading(dataset.name);
  report->Paragraph(CommandOf("compare", options));
  std::string form;
  if (dataset.base.form == Form::kSparse) form = " (sparse)";
  if (dataset.base.form == Form::kBits) form = " (bits)";
  std::vector<std::string> facts = {
      fmt::format("data: {} rows x {} dimensions{}, {}, {} queries",
                  Thousands(static_cast<double>(dataset.base.rows)), dataset.dim(), form,
                  MetricName(dataset.metric), Thousands(static_cast<double>(dataset.queries.rows))),
      fmt::format("machine: {}; load average at the start {}", MachineLine(), LoadAverage()),
      fmt::format("one client, pinned to CPU {0} together with its backend (in-process engines: "
                  "the searching thread); prepared statement, binary parameter and result; warm "
                  "unless said otherwise",
                  s.cpu),
      fmt::format("m = {}, ef_construction = {}, maintenance_work_mem = {}, {} build workers",
                  s.build.m, s.build.ef_construction, s.build.memory, s.build.workers)};
  bool server = false;
  for (const auto& engine : engines) {
    facts.push_back(engine->label() + ": " + engine->Description());
    server = server || engine->on_server();
  }
  if (server) {
    PgConnection connection(context.conninfo);
    facts.push_back("server: " + ServerLine(&connection));
    if (!connection.is_local())
      facts.push_back("the server is remote: its backends are not pinned");
  }
  if (!context.session_settings.empty()) {
    std::string all;
    for (const std::string& setting : context.session_settings) all += " " + setting;
    facts.push_back("session settings:" + all);
  }
  report->Bullets(facts);
}

void ReportGiven(const CompareSettings& s, const Dataset& dataset, const GroundTruth& truth,
                 const Engines& engines, MarkdownReport* report) {
  for (int k : s.ks) {
    EfFinder finder(dataset, truth, k);
    ReportAtRecall(s, dataset, engines, &finder, std::nullopt, report);
  }
}

}  // namespace

void RunCompare(const CommandLine& options) {
  CompareSettings s;
  std::string data = options.Get("data", "fashion-mnist");
  std::string cache = CacheDirOf(options);
  EngineContext context = ContextOf(options);
  std::vector<std::string> specs = EngineSpecsOf(options);
  s.build = BuildSettingsOf(options);
  s.ks = ParseIntList("--k", options.Get("k", "10"));
  if (s.ks.empty()) Fail("--k needs at least one number");
  s.sweep = ParseIntList("--sweep", options.Get("sweep", "10,20,40,80,160,320"));
  std::string recalls = options.Get("recall", "0.95,0.99");
  if (recalls != "given") {
    for (const std::string& recall : SplitText(recalls, ','))
      s.recalls.push_back(ParseDouble("--recall", recall));
  }
  s.cpu = static_cast<int>(options.GetInt("cpu", 0));
  s.rounds = static_cast<int>(options.GetInt("rounds", 5));
  s.round_seconds = options.GetDouble("round-seconds", 3);
  size_t inserts = static_cast<size_t>(options.GetInt("inserts", 0));
  size_t order = static_cast<size_t>(options.GetInt("order", 0));
  size_t cold = static_cast<size_t>(options.GetInt("cold", 0));
  std::string restart = options.Get("restart-command", "");
  std::string out = options.Get("out", "");
  MarkdownReport report(out, NameOf(options, data));
  options.RefuseUnused();

  Dataset dataset = OpenDataset(data, cache);
  size_t most = static_cast<size_t>(*std::max_element(s.ks.begin(), s.ks.end()));
  GroundTruth truth = GroundTruth::For(dataset, std::max<size_t>(100, most), cache);
  auto engines = MakeEngines(specs, context);

  std::vector<BuildReport> builds;
  for (const auto& engine : engines) {
    fmt::print(stderr, "{}: loading and building ...\n", engine->label());
    builds.push_back(engine->Build(dataset, s.build));
    fmt::print(stderr, "{}: built in {:.1f} s\n", engine->label(), builds.back().build_seconds);
  }
  Introduce(s, options, dataset, engines, context, &report);
  ReportBuilds(s, dataset, engines, builds, &report);

  EfFinder finder(dataset, truth, s.ks[0]);
  for (double recall : s.recalls) ReportAtRecall(s, dataset, engines, &finder, recall, &report);
  if (s.recalls.empty()) ReportGiven(s, dataset, truth, engines, &report);
  for (int k : s.ks) ReportSweep(s, dataset, truth, engines, k, &report);
  if (order > 0) {
    std::optional<double> recall;
    if (!s.recalls.empty()) recall = s.recalls[0];
    ReportOrder(engines, dataset, order, &finder, recall, &report);
  }
  if (cold > 0) ReportCold(s, dataset, engines, &finder, {cold, restart}, &report);
  if (inserts > 0) ReportInserts(dataset.queries.First(inserts), engines, &report);
  report.Paragraph("Load average at the end: " + LoadAverage());
}

}  // namespace quiver::bench
