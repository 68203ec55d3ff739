// A plot of recall against searches per second, as SVG.
#ifndef QUIVER_BENCH_REPORT_SVG_PLOT_H
#define QUIVER_BENCH_REPORT_SVG_PLOT_H

#include <string>
#include <vector>

namespace quiver::bench {

struct PlotPoint {
  double recall;
  double qps;
  int ef;
};

struct PlotLine {
  std::string label;
  std::vector<PlotPoint> points;
};

// Recall goes right on a scale of -log10(1 - recall), since the last percents are the dear ones;
// searches per second go up on a logarithmic scale.
std::string RecallPlot(const std::string& title, const std::vector<PlotLine>& lines);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_REPORT_SVG_PLOT_H
