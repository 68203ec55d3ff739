// The tables of a comparison, each measured and reported by one function.
#ifndef QUIVER_BENCH_MODE_COMPARE_TABLES_H
#define QUIVER_BENCH_MODE_COMPARE_TABLES_H

#include <memory>
#include <string>
#include <vector>

#include "client/cold_run.h"
#include "client/smallest_ef.h"
#include "engine/engine.h"
#include "report/markdown_report.h"
#include "report/svg_plot.h"

namespace quiver::bench {

using Engines = std::vector<std::unique_ptr<Engine>>;

struct CompareSettings {
  BuildSettings build;
  std::vector<int> ks;
  std::vector<int> sweep;
  std::vector<double> recalls;  // none: the engines have their ef given
  int cpu = 0;
  int rounds = 5;
  double round_seconds = 3;
};

// Build time and index size.
void ReportBuilds(const CompareSettings& settings, const Dataset& dataset, const Engines& engines,
                  const std::vector<BuildReport>& builds, MarkdownReport* report);

// Each engine at the smallest ef that reaches `recall`, without one at the ef it was given; timed
// in interleaved rounds, A B C A B C, so that a disturbance of the machine meets all of them.
void ReportAtRecall(const CompareSettings& settings, const Dataset& dataset, const Engines& engines,
                    EfFinder* finder, std::optional<double> recall, MarkdownReport* report);

// Every ef of the sweep: recall, searches per second, latencies, buffers.
void ReportSweep(const CompareSettings& settings, const Dataset& dataset, const GroundTruth& truth,
                 const Engines& engines, int k, MarkdownReport* report);

// Rows of `queries` searches that come out of the exact scan's order: those that the engine returns
// after a row whose distance, by SQL's own operator, is greater.
void ReportOrder(const Engines& engines, const Dataset& dataset, size_t queries, EfFinder* finder,
                 std::optional<double> recall, MarkdownReport* report);
// The first searches after a restart with an empty page cache, at the ef of the first recall.
void ReportCold(const CompareSettings& settings, const Dataset& dataset, const Engines& engines,
                EfFinder* finder, const ColdSettings& cold, MarkdownReport* report);

// Rows added one by one.  Last: the tables have more rows than the data set afterwards.
void ReportInserts(const Matrix& rows, const Engines& engines, MarkdownReport* report);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_MODE_COMPARE_TABLES_H
