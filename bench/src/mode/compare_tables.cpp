#include "mode/compare_tables.h"

#include <algorithm>
#include <cstdio>

#include "base/failure.h"
#include "base/pinning.h"
#include "client/search_run.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

std::string Ratio(double ours, double theirs) {
  return theirs > 0 && ours > 0 ? fmt::format("{:.2f}", ours / theirs) : "-";
}

}  // namespace

void ReportBuilds(const CompareSettings& settings, const Dataset& dataset, const Engines& engines,
                  const std::vector<BuildReport>& builds, MarkdownReport* report) {
  (void)settings;
  MarkdownTable table({"engine", "load s", "build s", "of it CPU s", "index", "bytes a row",
                       "build, first / this", "size, first / this"});
  bool reused = false;
  for (size_t i = 0; i < engines.size(); ++i) {
    bool index = builds[i].index_bytes > 0;
    reused = reused || builds[i].reused;
    table.Add(
        {engines[i]->label(),
         builds[i].load_seconds > 0 ? fmt::format("{:.1f}", builds[i].load_seconds) : "-",
         index ? fmt::format("{:.1f}{}", builds[i].build_seconds, builds[i].reused ? "*" : "")
               : "-",
         builds[i].build_cpu_seconds ? fmt::format("{:.1f}", *builds[i].build_cpu_seconds) : "-",
         index ? Megabytes(builds[i].index_bytes) : "-",
         index ? Thousands(builds[i].index_bytes / static_cast<double>(dataset.base.rows)) : "-",
         index ? Ratio(builds[0].build_seconds, builds[i].build_seconds) : "-",
         index ? Ratio(builds[0].index_bytes, builds[i].index_bytes) : "-"});
  }
  report->Paragraph("Build, one process, and size (in-process engines: bytes in memory):");
  report->Table(table, "build");
  if (reused) report->Paragraph("\\* built by an earlier run with the same settings.");
}

void ReportSweep(const CompareSettings& settings, const Dataset& dataset, const GroundTruth& truth,
                 const Engines& engines, int k, MarkdownReport* report) {
  if (settings.sweep.empty()) return;
  constexpr size_t kServerQueries = 200;
  MarkdownTable table({"engine", "ef", fmt::format("recall@{}", k), "searches/s", "p50 us",
                       "p95 us", "p99 us", "buffers", "index blocks", "executor us", "CPU us"});
  std::vector<PlotLine> lines;
  PinnedScope pinned(settings.cpu);
  for (const auto& engine : engines) {
    PlotLine line = {engine->label(), {}};
    std::unique_ptr<Searcher> searcher = engine->NewSearcher(k);
    searcher->Pin(settings.cpu);
    std::vector<int> efs = settings.sweep;
    if (auto given = engine->GivenEf(k)) efs = {*given};
    for (int ef : efs) {
      if (ef > engine->max_ef()) continue;
      searcher->SetEf(ef);
      RunOneByOne(searcher.get(), dataset.queries.First(100), k, 0.5);
      SearchRun run = RunOneByOne(searcher.get(), dataset.queries, k, settings.round_seconds);
      double recall = truth.Recall(dataset, 0, run.count(), static_cast<size_t>(k), run.ids);
      auto cost = engine->MeasureServer(dataset.queries.First(kServerQueries), k, ef);
      LatencySummary latency = Summarize(run.seconds);
      auto time = [](const std::optional<double>& seconds) {
        return seconds ? Microseconds(*seconds) : "-";
      };
      table.Add({engine->label(), EfChoice{ef, recall, true}.Text(*engine),
                 fmt::format("{:.4f}", recall), Thousands(run.qps()), Microseconds(latency.p50),
                 Microseconds(latency.p95), Microseconds(latency.p99),
                 cost ? Thousands(cost->query_buffers) : "-",
                 cost && cost->index_blocks > 0 ? Thousands(cost->index_blocks) : "-",
                 cost ? time(cost->executor_seconds) : "-", cost ? time(cost->cpu_seconds) : "-"});
      line.points.push_back({recall, run.qps(), ef});
    }
    lines.push_back(line);
  }
  report->Paragraph(fmt::format("Sweep of ef, k = {}:", k));
  report->Table(table, fmt::format("sweep-k{}", k));
  report->Plot(RecallPlot(fmt::format("{}, k = {}, one client", dataset.name, k), lines),
               fmt::format("sweep-k{}", k), fmt::format("recall@{} against searches/s", k));
}

void ReportCold(const CompareSettings& settings, const Dataset& dataset, const Engines& engines,
                EfFinder* finder, const ColdSettings& cold, MarkdownReport* report) {
  const int k = settings.ks[0];
  MarkdownTable table({"engine", "ef", "searches", "p50 us", "p99 us", "blocks read a search"});
  for (const auto& engine : engines) {
    if (!engine->on_server() || engine->max_ef() == 0) continue;
    EfChoice choice = settings.recalls.empty() ? finder->Given(engine.get(), SIZE_MAX)
                                               : finder->Find(engine.get(), settings.recalls[0]);
    ColdRun run = RunCold(engine.get(), dataset.queries, k, choice.ef, cold);
    table.Add({engine->label(), choice.Text(*engine), std::to_string(cold.searches),
               Microseconds(run.latency.p50), Microseconds(run.latency.p99),
               fmt::format("{:.1f}", run.reads)});
  }
  report->Paragraph(fmt::format(
      "Cold: server restarted, page cache {}, then the first searches one by one, k = {}:",
      PageCacheCanBeDropped() ? "dropped" : "NOT dropped (not root)", k));
  report->Table(table, "cold");
}

void ReportInserts(const Matrix& rows, const Engines& engines, MarkdownReport* report) {
  MarkdownTable table({"engine", "rows", "rows/s", "p50 us", "p99 us"});
  for (const auto& engine : engines) {
    fmt::print(stderr, "{}: inserting {} rows ...\n", engine->label(), rows.rows);
    auto inserted = engine->Insert(rows);
    if (!inserted) continue;
    table.Add({engine->label(), Thousands(static_cast<double>(inserted->rows)),
               Thousands(static_cast<double>(inserted->rows) / inserted->seconds),
               Microseconds(inserted->latency.p50), Microseconds(inserted->latency.p99)});
  }
  report->Paragraph("Inserts, one client, one row a transaction, into the full index:");
  report->Table(table, "inserts");
}

}  // namespace quiver::bench
