// Percentiles of latencies.
#ifndef QUIVER_BENCH_BASE_LATENCY_SUMMARY_H
#define QUIVER_BENCH_BASE_LATENCY_SUMMARY_H

#include <vector>

namespace quiver::bench {

struct LatencySummary {  // seconds
  double mean = 0, p50 = 0, p95 = 0, p99 = 0, max = 0;
};

// The value with a share `q` of all values at or below it (nearest rank); 0 for an empty set.
double Percentile(std::vector<double> values, double q);
LatencySummary Summarize(std::vector<double> seconds);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_BASE_LATENCY_SUMMARY_H
