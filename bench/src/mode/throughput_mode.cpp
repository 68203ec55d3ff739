// throughput: many clients at once, at the smallest ef that reaches a recall.

#include <algorithm>
#include <cstdio>

#include "base/failure.h"
#include "base/pinning.h"
#include "client/async_clients.h"
#include "client/smallest_ef.h"
#include "mode/mode.h"
#include "report/environment.h"
#include "report/markdown_report.h"

namespace quiver::bench {

namespace {

// Over the queries that were asked.
double RecallOf(const Dataset& dataset, const GroundTruth& truth, const AsyncRun& run, size_t k) {
  double sum = 0;
  size_t asked = 0;
  for (size_t q = 0; q < run.asked.size(); ++q) {
    if (!run.asked[q]) continue;
    std::vector<int64_t> ids(run.ids.begin() + static_cast<long>(q * k),
                             run.ids.begin() + static_cast<long>((q + 1) * k));
    sum += truth.Recall(dataset, q, 1, k, ids);
    ++asked;
  }
  return asked == 0 ? 0 : sum / static_cast<double>(asked);
}

}  // namespace

void RunThroughput(const CommandLine& options) {
  std::string data = options.Get("data", "synthetic:n=100000,d=128");
  std::string cache = CacheDirOf(options);
  EngineContext context = ContextOf(options);
  BuildSettings build = BuildSettingsOf(options);
  double recall = options.GetDouble("recall", 0.95);
  int fixed_ef = static_cast<int>(options.GetInt("ef", 0));
  AsyncSettings async;
  async.k = static_cast<int>(options.GetInt("k", 10));
  async.seconds = options.GetDouble("seconds", 60);
  async.cpus = ParseIntList("--cpus", options.Get("cpus", CpuCount() > 1 ? "0,1" : "0"));
  std::vector<int> clients = ParseIntList("--clients", options.Get("clients", "16"));
  std::vector<std::string> specs = EngineSpecsOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "throughput"));
  options.RefuseUnused();

  Dataset dataset = OpenDataset(data, cache);
  GroundTruth truth = GroundTruth::For(dataset, 100, cache);
  auto engines = MakeEngines(specs, context);

  MarkdownTable table({"engine", "clients", "ef", fmt::format("recall@{}", async.k), "searches/s",
                       "p50 ms", "p95 ms", "p99 ms", "max ms", "client's CPU"});
  bool pinned = true;
  std::string loads;
  EfFinder finder(dataset, truth, async.k);
  for (const auto& engine : engines) {
    auto* server = dynamic_cast<ServerEngine*>(engine.get());
    if (server == nullptr || engine->max_ef() == 0)
      Fail("throughput is for access methods of a server, not for {}", engine->label());
    fmt::print(stderr, "{}: loading and building ...\n", engine->label());
    engine->Build(dataset, build);
    async.ef = fixed_ef > 0 ? fixed_ef : finder.Find(engine.get(), recall).ef;
    for (int n : clients) {
      async.clients = n;
      loads += (loads.empty() ? "" : "; ") + LoadAverage();
      AsyncRun run = RunAsyncClients(*server, dataset.queries, async);
      pinned = pinned && run.pinned;
      LatencySummary latency =
          Summarize(std::vector<double>(run.seconds.begin(), run.seconds.end()));
      table.Add({engine->label(), std::to_string(n), std::to_string(async.ef),
                 fmt::format("{:.4f}", RecallOf(dataset, truth, run, static_cast<size_t>(async.k))),
                 Thousands(static_cast<double>(run.seconds.size()) / run.elapsed),
                 fmt::format("{:.2f}", latency.p50 * 1e3), fmt::format("{:.2f}", latency.p95 * 1e3),
                 fmt::format("{:.2f}", latency.p99 * 1e3), fmt::format("{:.2f}", latency.max * 1e3),
                 fmt::format("{:.0f} %", 100 * run.client_cpu / run.elapsed)});
    }
  }

  report.Heading("throughput: " + dataset.name);
  report.Paragraph(CommandOf("throughput", options));
  PgConnection connection(context.conninfo);
  std::string cpus;
  for (int cpu : async.cpus) cpus += (cpus.empty() ? "" : ", ") + std::to_string(cpu);
  report.Bullets({
      fmt::format("data: {} rows x {} dimensions, {}",
                  Thousands(static_cast<double>(dataset.base.rows)), dataset.dim(),
                  MetricName(dataset.metric)),
      "machine: " + MachineLine() + "; load average before each run " + loads,
      fmt::format(
          "all clients in one thread (epoll, prepared statement, binary both ways); clients "
          "and backends together on CPUs {}{}; {} s each after {} s of warm-up",
          cpus, pinned ? "" : " (NOT pinned)", async.seconds, async.warm_up),
      "server: " + ServerLine(&connection),
  });
  report.Table(table, "table");
}

}  // namespace quiver::bench
