#include "base/latency_summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quiver::bench {

namespace {

double SortedPercentile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  double rank = std::ceil(q * static_cast<double>(sorted.size()));
  size_t index = rank < 1 ? 0 : static_cast<size_t>(rank) - 1;
  return sorted[std::min(index, sorted.size() - 1)];
}

}  // namespace

double Percentile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return SortedPercentile(values, q);
}

LatencySummary Summarize(std::vector<double> seconds) {
  LatencySummary summary;
  if (seconds.empty()) return summary;
  std::sort(seconds.begin(), seconds.end());
  summary.mean =
      std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(seconds.size());
  summary.p50 = SortedPercentile(seconds, 0.50);
  summary.p95 = SortedPercentile(seconds, 0.95);
  summary.p99 = SortedPercentile(seconds, 0.99);
  summary.max = seconds.back();
  return summary;
}

}  // namespace quiver::bench
