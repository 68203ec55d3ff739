// quiver_graph [--option=value ...]: what a search of the core costs and finds, without PostgreSQL.
//
// Builds one index in memory, searches it with each ef, and prints recall and the core's own
// counters; bench/README.md has the options.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "base/failure.h"
#include "base/pinning.h"
#include "core_index.h"
#include "engine/hnswlib_engine.h"
#include "graph_options.h"
#include "report/markdown_report.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

namespace {

// One column of the comparison: an engine, and what it found at the ef in force.
struct Contestant {
  std::string label;
  Searcher* searcher;
  std::vector<int64_t> ids;
  double cpu_seconds = 0;  // of the fastest pass
};

// All queries, `passes` times, the contestants by turns.
void RunPasses(const Matrix& queries, int k, int passes, std::vector<Contestant>* contestants) {
  for (Contestant& contestant : *contestants) {
    contestant.ids.resize(queries.rows * static_cast<size_t>(k));
    contestant.cpu_seconds = std::numeric_limits<double>::infinity();
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (Contestant& contestant : *contestants) {
      double before = ThreadCpuSeconds();
      for (size_t i = 0; i < queries.rows; ++i)
        contestant.searcher->Search(queries.Row(i), &contestant.ids[i * static_cast<size_t>(k)]);
      contestant.cpu_seconds = std::min(contestant.cpu_seconds, ThreadCpuSeconds() - before);
    }
  }
}

std::string PerSearch(uint64_t sum, size_t searches) {
  return fmt::format("{:.1f}", static_cast<double>(sum) / static_cast<double>(searches));
}

void PrintBuilds(const CoreIndex& core, const std::optional<BuildReport>& hnswlib) {
  MarkdownTable builds({"engine", "build CPU s", "MB", "pages", "layout"});
  double bytes = static_cast<double>(core.pages().count()) * QUIVER_BLOCK_SIZE;
  builds.Add({"quiver", fmt::format("{:.1f}", core.build_cpu_seconds()),
              fmt::format("{:.1f}", bytes / 1048576), std::to_string(core.pages().count()),
              core.Layout()});
  if (hnswlib.has_value()) {
    builds.Add({"hnswlib", fmt::format("{:.1f}", hnswlib->build_cpu_seconds.value_or(0)),
                fmt::format("{:.1f}", hnswlib->index_bytes / 1048576), "", "in memory, float32"});
  }
  fmt::print("{}\n", builds.Text());
  std::fflush(stdout);
}

// A row for each ef and contestant.
void PrintSweep(const Dataset& dataset, const GroundTruth& truth, const GraphOptions& options,
                int k, CoreSearcher* core, std::vector<Contestant>* contestants) {
  Matrix queries = dataset.queries.First(options.queries);
  MarkdownTable table({"engine", "ef", fmt::format("recall@{}", k), "CPU us", "expanded",
                       "descended", "estimates", "pages", "distinct"});
  for (int ef : options.efs) {
    for (Contestant& contestant : *contestants) contestant.searcher->SetEf(ef);
    core->ResetCounters();
    RunPasses(queries, k, options.passes, contestants);
    for (const Contestant& contestant : *contestants) {
      double recall =
          truth.Recall(dataset, 0, queries.rows, static_cast<size_t>(k), contestant.ids);
      std::vector<std::string> cells = {
          contestant.label, std::to_string(ef), fmt::format("{:.4f}", recall),
          fmt::format("{:.1f}", contestant.cpu_seconds * 1e6 / static_cast<double>(queries.rows))};
      if (contestant.searcher == core) {
        const QuiverScanStats& counters = core->counters();
        size_t searches = queries.rows * static_cast<size_t>(options.passes);
        for (uint64_t sum :
             {counters.expanded, counters.descended, counters.estimates, counters.pages})
          cells.push_back(PerSearch(sum, searches));
        uint64_t distinct = 0;
        for (size_t i = 0; i < queries.rows; ++i) distinct += core->DistinctPages(queries.Row(i));
        cells.push_back(PerSearch(distinct, queries.rows));
      } else {
        cells.resize(9);
      }
      table.Add(cells);
    }
  }
  fmt::print("{}", table.Text());
}

void Run(const CommandLine& words) {
  GraphOptions options = ParseGraphOptions(words);
  Dataset dataset = OpenDataset(options.data, options.cache);
  int k = static_cast<int>(std::min<size_t>(static_cast<size_t>(options.k), dataset.base.rows));
  GroundTruth truth =
      GroundTruth::For(dataset, static_cast<size_t>(std::max(k, 100)), options.cache);
  Matrix queries = dataset.queries.First(options.queries);
  PinnedScope pinned(options.cpu);

  fmt::print("`bench/run graph {}`\n\n", words.Text({"cache"}));
  fmt::print("{} rows x {}, {}, {} queries; m {}, ef_construction {}; kernels {}\n\n",
             dataset.base.rows, dataset.dim(), MetricName(dataset.metric), queries.rows,
             options.index.m, options.index.ef_construction, quiver_kernels()->name);

  CoreIndex core(dataset, options.index);
  CoreSearcher core_searcher(&core, dataset.base, k);
  std::vector<Contestant> contestants = {{"quiver", &core_searcher, {}}};
  std::optional<BuildReport> hnswlib_build;
  std::unique_ptr<HnswlibEngine> hnswlib;
  std::unique_ptr<Searcher> hnswlib_searcher;
  if (options.hnswlib) {
    hnswlib = std::make_unique<HnswlibEngine>(Spec::Parse("hnswlib"));
    BuildSettings settings;
    settings.m = options.index.m;
    settings.ef_construction = options.index.ef_construction;
    settings.cache_dir = options.cache;
    hnswlib_build = hnswlib->Build(dataset, settings);
    hnswlib_searcher = hnswlib->NewSearcher(k);
    contestants.push_back({"hnswlib", hnswlib_searcher.get(), {}});
  }
  PrintBuilds(core, hnswlib_build);

  PrintSweep(dataset, truth, options, k, &core_searcher, &contestants);
}

}  // namespace

}  // namespace quiver::bench

int main(int argc, char** argv) {
  try {
    quiver::bench::Run(quiver::bench::CommandLine(argc, argv, 1));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "quiver_graph: {}\n", error.what());
    return 1;
  }
}
