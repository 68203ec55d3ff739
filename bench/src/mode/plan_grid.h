// The grid of the plan-choice bench and what was measured at each of its points.
#ifndef QUIVER_BENCH_MODE_PLAN_GRID_H
#define QUIVER_BENCH_MODE_PLAN_GRID_H

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "report/markdown_report.h"

namespace quiver::bench {

// Ways to answer ORDER BY distance LIMIT n under a condition on another column.
enum PlanKind : size_t {
  kByVectorIndex,  // the rows in order, filtered
  kByBtree,        // the rows that meet the condition, sorted
  kBySeqScan,      // all rows, filtered, sorted
  kPlanKinds
};

struct PlanGrid {
  std::vector<int> dims = {100, 768};
  std::vector<int> rows = {100, 1000, 10000, 100000, 300000};
  std::vector<double> selectivities = {1, 0.1, 0.01, 0.001, 0.0001, 0.00001};
  std::vector<int> limits = {1, 10, 100, 1000};
};

struct PlanTime {
  double seconds = 0;
  bool at_least = false;  // given up after so long
};

struct PlanPoint {
  int dim = 0, rows = 0, limit = 0;
  double selectivity = 1;
  PlanKind chosen = kBySeqScan;                           // by the planner
  std::array<std::optional<PlanTime>, kPlanKinds> times;  // nothing: no such plan was to be had

  PlanKind Best() const;
  // The chosen plan's time over the best one's.  REQUIRES: the chosen one has a time.
  double Regret() const;
  // Whether either is the vector index and the best takes so long that the choice matters.
  bool Counts(double least_seconds) const;
};

const char* PlanName(PlanKind kind);
// Q, B or S.
char PlanLetter(PlanKind kind);

struct PlanReportSettings {
  PlanGrid grid;
  double least_seconds = 0.002;  // what takes less is not counted
};

// Summary, the worst choices, the whole grid as a table, and as a heat map.
void ReportPlans(const PlanReportSettings& settings, const std::vector<PlanPoint>& points,
                 MarkdownReport* report);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_MODE_PLAN_GRID_H
