// The table that decides: engines at equal recall.

#include <algorithm>
#include <cstdio>

#include "base/failure.h"
#include "base/pinning.h"
#include "client/search_run.h"
#include "mode/compare_tables.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

struct Contestant {
  Engine* engine;
  EfChoice choice;
  std::unique_ptr<Searcher> searcher;
  bool pinned = false;
  std::vector<double> qps;      // one per round
  std::vector<double> cpu;      // of the client, a search; one per round
  std::vector<double> seconds;  // all searches of all rounds
  std::optional<ServerCost> cost;

  // What the index itself takes for a search: the executor's time on a server, all of it in
  // process.
  double EngineSeconds() const {
    if (!engine->on_server()) return 1 / Percentile(qps, 0.5);
    return cost && cost->executor_seconds ? *cost->executor_seconds : 0;
  }

  std::optional<double> CpuSeconds() const {
    if (!engine->on_server()) return Percentile(cpu, 0.5);
    return cost ? cost->cpu_seconds : std::nullopt;
  }
};

std::vector<Contestant> ChooseEfs(const Engines& engines, EfFinder* finder,
                                  std::optional<double> recall) {
  std::vector<Contestant> contestants;
  for (const auto& engine : engines) {
    Contestant c = {};
    c.engine = engine.get();
    if (engine->max_ef() == 0)
      c.choice = finder->Given(engine.get(), 20);
    else
      c.choice =
          recall ? finder->Find(engine.get(), *recall) : finder->Given(engine.get(), SIZE_MAX);
    c.searcher = engine->NewSearcher(finder->k());
    contestants.push_back(std::move(c));
  }
  return contestants;
}

void RunRounds(const CompareSettings& settings, const Dataset& dataset, int k,
               std::vector<Contestant>* contestants) {
  PinnedScope pinned(settings.cpu);
  for (Contestant& c : *contestants) c.pinned = c.searcher->Pin(settings.cpu);
  for (int round = 0; round < settings.rounds; ++round) {
    for (Contestant& c : *contestants) {
      c.searcher->SetEf(c.choice.ef);
      RunOneByOne(c.searcher.get(), dataset.queries.First(200), k, 0.3);
      SearchRun run = RunOneByOne(c.searcher.get(), dataset.queries, k, settings.round_seconds);
      c.qps.push_back(run.qps());
      c.cpu.push_back(run.client_cpu / static_cast<double>(run.count()));
      c.seconds.insert(c.seconds.end(), run.seconds.begin(), run.seconds.end());
    }
    fmt::print(stderr, "  round {} of {} done\n", round + 1, settings.rounds);
  }
}

std::string Times(double ours, double theirs) {
  return ours > 0 && theirs > 0 ? fmt::format("{:.2f}x", ours / theirs) : "-";
}

MarkdownTable SpeedTable(const std::vector<Contestant>& contestants, int k) {
  MarkdownTable table({"engine", "ef", fmt::format("recall@{}", k), "searches/s, median",
                       "min .. max", "p50 us", "p95 us", "p99 us", "executor us", "CPU us",
                       "pinned"});
  for (const Contestant& c : contestants) {
    LatencySummary latency = Summarize(c.seconds);
    auto time = [](const std::optional<double>& seconds) {
      return seconds ? Microseconds(*seconds) : "-";
    };
    table.Add({c.engine->label(), c.choice.Text(*c.engine), fmt::format("{:.4f}", c.choice.recall),
               Thousands(Percentile(c.qps, 0.5)),
               Thousands(Percentile(c.qps, 0)) + " .. " + Thousands(Percentile(c.qps, 1)),
               Microseconds(latency.p50), Microseconds(latency.p95), Microseconds(latency.p99),
               c.cost ? time(c.cost->executor_seconds) : "-", time(c.CpuSeconds()),
               c.pinned ? "yes" : "no"});
  }
  return table;
}

MarkdownTable BufferTable(const std::vector<Contestant>& contestants, const Matrix& queries,
                          int k) {
  MarkdownTable table(
      {"engine", "buffers a search", "of the scan node", "of the index", "planner chooses"});
  for (const Contestant& c : contestants) {
    if (!c.cost) continue;
    std::string choice = c.engine->PlannersChoice(queries, k);
    table.Add({c.engine->label(), fmt::format("{:.1f}", c.cost->query_buffers),
               fmt::format("{:.1f}", c.cost->scan_buffers),
               c.cost->index_blocks > 0 ? fmt::format("{:.1f}", c.cost->index_blocks) : "-",
               choice.empty() ? "-" : choice});
  }
  return table;
}

MarkdownTable RatioTable(const std::vector<Contestant>& contestants) {
  const Contestant& first = contestants[0];
  MarkdownTable table({fmt::format("{} against", first.engine->label()), "searches/s, median",
                       "searches/s, worst / best round", "buffers", "engine time", "CPU time"});
  for (size_t i = 1; i < contestants.size(); ++i) {
    const Contestant& c = contestants[i];
    bool buffers = first.cost && c.cost;
    table.Add({c.engine->label(), Times(Percentile(first.qps, 0.5), Percentile(c.qps, 0.5)),
               Times(Percentile(first.qps, 0), Percentile(c.qps, 1)),
               buffers ? Times(first.cost->query_buffers, c.cost->query_buffers) : "-",
               Times(first.EngineSeconds(), c.EngineSeconds()),
               Times(first.CpuSeconds().value_or(0), c.CpuSeconds().value_or(0))});
  }
  return table;
}

}  // namespace

void ReportAtRecall(const CompareSettings& settings, const Dataset& dataset, const Engines& engines,
                    EfFinder* finder, std::optional<double> recall, MarkdownReport* report) {
  const int k = finder->k();
  std::vector<Contestant> contestants = ChooseEfs(engines, finder, recall);
  std::string load = LoadAverage();
  RunRounds(settings, dataset, k, &contestants);
  for (Contestant& c : contestants)
    c.cost = c.engine->MeasureServer(dataset.queries, k, c.choice.ef);
  std::string what =
      recall ? fmt::format("Recall@{} >= {}: each engine at the smallest ef that reaches it", k,
                           *recall)
             : fmt::format("k = {}: each engine at the ef it was given", k);
  report->Paragraph(
      fmt::format("{}, {} interleaved rounds of at most {} s each; load average before {}:", what,
                  settings.rounds, settings.round_seconds, load));
  std::string file = recall ? fmt::format("recall{}", *recall) : fmt::format("given-k{}", k);
  report->Table(SpeedTable(contestants, k), file);
  report->Table(BufferTable(contestants, dataset.queries, k), file + "-buffers");
  if (contestants.size() > 1) {
    report->Table(RatioTable(contestants), file + "-ratios");
    report->Paragraph(
        "Engine time: what the executor runs on the server (pg_stat_statements), the whole search "
        "in process. CPU time: all that the backend uses, protocol included; of the searching "
        "thread in process.");
  }
}

}  // namespace quiver::bench
