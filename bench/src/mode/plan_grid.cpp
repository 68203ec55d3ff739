#include "mode/plan_grid.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/environment.h"
#include "report/heat_map.h"

namespace quiver::bench {

namespace {

constexpr size_t kWorst = 10;  // choices listed one by one

std::string Milliseconds(const std::optional<PlanTime>& time) {
  if (!time) return "-";
  double ms = time->seconds * 1e3;
  return (time->at_least ? "> " : "") + fmt::format("{:.{}f}", ms, ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

std::string SelectivityText(double selectivity) {
  return fmt::format("{:g}", selectivity);
}

const PlanPoint* Find(const std::vector<PlanPoint>& points, int dim, int rows, double selectivity,
                      int limit) {
  for (const PlanPoint& point : points) {
    if (point.dim == dim && point.rows == rows && point.selectivity == selectivity &&
        point.limit == limit)
      return &point;
  }
  return nullptr;
}

// The chosen plan and its time; a better one beside it.
std::string PointText(const PlanPoint& point) {
  std::string text =
      fmt::format("{} {}", PlanLetter(point.chosen), Milliseconds(point.times[point.chosen]));
  if (point.Best() != point.chosen && point.Regret() >= 1.05)
    text +=
        fmt::format(" ({} {})", PlanLetter(point.Best()), Milliseconds(point.times[point.Best()]));
  return text;
}

void ReportSummary(const PlanReportSettings& s, const std::vector<PlanPoint>& points,
                   MarkdownReport* report) {
  size_t counted = 0, close = 0, within = 0, best = 0;
  double most = 0;
  for (const PlanPoint& point : points) {
    if (!point.Counts(s.least_seconds)) continue;
    ++counted;
    double regret = point.Regret();
    best += point.Best() == point.chosen ? 1 : 0;
    close += regret <= 1.3 ? 1 : 0;
    within += regret <= 2 ? 1 : 0;
    most = std::max(most, regret);
  }
  auto share = [&](size_t n) {
    return fmt::format("{:.1f} %", 100.0 * static_cast<double>(n) /
                                       static_cast<double>(std::max<size_t>(1, counted)));
  };
  MarkdownTable table({"points measured", "counted", "largest regret", "regret <= 1.3",
                       "regret <= 2", "the best plan chosen"});
  table.Add({std::to_string(points.size()), std::to_string(counted), fmt::format("{:.2f}x", most),
             share(close), share(within), share(best)});
  report->Paragraph(fmt::format(
      "Regret: the chosen plan's time over the best plan's. Counted are the points where either is "
      "the vector index and the best takes more than {:g} ms:",
      s.least_seconds * 1e3));
  report->Table(table, "summary");
}

void ReportWorst(const PlanReportSettings& s, const std::vector<PlanPoint>& points,
                 MarkdownReport* report) {
  std::vector<const PlanPoint*> wrong;
  for (const PlanPoint& point : points) {
    if (point.Counts(s.least_seconds) && point.Best() != point.chosen) wrong.push_back(&point);
  }
  if (wrong.empty()) return;
  std::sort(wrong.begin(), wrong.end(),
            [](const PlanPoint* a, const PlanPoint* b) { return a->Regret() > b->Regret(); });
  wrong.resize(std::min(wrong.size(), kWorst));
  MarkdownTable table(
      {"chosen", "ms", "best", "ms", "regret", "dimensions", "rows", "selectivity", "LIMIT"});
  for (const PlanPoint* p : wrong)
    table.Add({PlanName(p->chosen), Milliseconds(p->times[p->chosen]), PlanName(p->Best()),
               Milliseconds(p->times[p->Best()]), fmt::format("{:.2f}x", p->Regret()),
               std::to_string(p->dim), Thousands(p->rows), SelectivityText(p->selectivity),
               Thousands(p->limit)});
  report->Paragraph("The choices that cost most:");
  report->Table(table, "worst");
}

void ReportGrid(const PlanReportSettings& s, const std::vector<PlanPoint>& points,
                MarkdownReport* report) {
  std::vector<std::string> header = {"dimensions", "rows", "selectivity"};
  for (int limit : s.grid.limits) header.push_back(fmt::format("LIMIT {}", Thousands(limit)));
  MarkdownTable table(header);
  for (int dim : s.grid.dims) {
    for (int rows : s.grid.rows) {
      for (double selectivity : s.grid.selectivities) {
        std::vector<std::string> cells = {std::to_string(dim), Thousands(rows),
                                          SelectivityText(selectivity)};
        bool any = false;
        for (int limit : s.grid.limits) {
          const PlanPoint* point = Find(points, dim, rows, selectivity, limit);
          cells.push_back(point != nullptr ? PointText(*point) : "");
          any = any || point != nullptr;
        }
        if (any) table.Add(cells);
      }
    }
  }
  report->Paragraph(
      "The planner's choice (Q the vector index, B the btree and a sort, S the sequential scan and "
      "a sort) and its time in ms; in parentheses a plan that is better by 5 % or more:");
  report->Table(table, "grid");
}

// All times, for whoever wants to look closer.
void ReportTimes(const std::vector<PlanPoint>& points, MarkdownReport* report) {
  MarkdownTable table({"dimensions", "rows", "selectivity", "limit", "chosen", "vector index ms",
                       "btree ms", "seq scan ms", "best", "regret"});
  for (const PlanPoint& p : points)
    table.Add({std::to_string(p.dim), std::to_string(p.rows), SelectivityText(p.selectivity),
               std::to_string(p.limit), PlanName(p.chosen), Milliseconds(p.times[kByVectorIndex]),
               Milliseconds(p.times[kByBtree]), Milliseconds(p.times[kBySeqScan]),
               PlanName(p.Best()), fmt::format("{:.2f}", p.Regret())});
  report->File(table, "times");
}

void PlotGrid(const PlanReportSettings& s, const std::vector<PlanPoint>& points,
              MarkdownReport* report) {
  std::vector<HeatPanel> panels;
  for (int dim : s.grid.dims) {
    for (int limit : s.grid.limits) {
      HeatPanel panel = {fmt::format("{} dimensions, LIMIT {}", dim, Thousands(limit)), {}, {}, {}};
      for (double selectivity : s.grid.selectivities)
        panel.column_labels.push_back(SelectivityText(selectivity));
      for (int rows : s.grid.rows) {
        panel.row_labels.push_back(Thousands(rows));
        std::vector<std::optional<HeatCell>> line;
        for (double selectivity : s.grid.selectivities) {
          const PlanPoint* p = Find(points, dim, rows, selectivity, limit);
          if (p == nullptr) {
            line.push_back(std::nullopt);
            continue;
          }
          std::string hint = fmt::format("chosen: {}", PlanName(p->chosen));
          for (size_t kind = 0; kind < kPlanKinds; ++kind)
            hint += fmt::format("; {} {} ms", PlanName(static_cast<PlanKind>(kind)),
                                Milliseconds(p->times[kind]));
          line.push_back(HeatCell{p->Regret(), p->Counts(s.least_seconds),
                                  fmt::format("{} {:.1f}", PlanLetter(p->chosen), p->Regret()),
                                  hint});
        }
        panel.cells.push_back(line);
      }
      panels.push_back(panel);
    }
  }
  report->Plot(HeatMap("The planner's choice and its regret (1: the best plan; grey: not counted). "
                       "Q vector index, B btree and sort, S sequential scan and sort",
                       "rows of the table", "share of the rows that meet the condition", panels,
                       s.grid.limits.size()),
               "regret", "regret of the planner's choices");
}

}  // namespace

PlanKind PlanPoint::Best() const {
  PlanKind best = chosen;
  for (size_t kind = 0; kind < kPlanKinds; ++kind) {
    if (times[kind] && (!times[best] || times[kind]->seconds < times[best]->seconds))
      best = static_cast<PlanKind>(kind);
  }
  return best;
}

double PlanPoint::Regret() const {
  return times[chosen] ? times[chosen]->seconds / times[Best()]->seconds : 1;
}

bool PlanPoint::Counts(double least_seconds) const {
  PlanKind best = Best();
  return times[best] && times[best]->seconds > least_seconds &&
         (best == kByVectorIndex || chosen == kByVectorIndex);
}

const char* PlanName(PlanKind kind) {
  constexpr const char* kNames[] = {"vector index", "btree", "seq scan"};
  return kNames[kind];
}

char PlanLetter(PlanKind kind) {
  return "QBS"[kind];
}

void ReportPlans(const PlanReportSettings& settings, const std::vector<PlanPoint>& points,
                 MarkdownReport* report) {
  ReportSummary(settings, points, report);
  ReportWorst(settings, points, report);
  PlotGrid(settings, points, report);
  ReportGrid(settings, points, report);
  ReportTimes(points, report);
}

}  // namespace quiver::bench
