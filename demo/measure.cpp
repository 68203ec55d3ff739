#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "progress.h"

namespace demo {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kWarmUp = 1000;     // queries before the first that is measured
constexpr size_t kPageSample = 200;  // queries explained for their pages

double Milliseconds(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

double Percentile(std::vector<double> values, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

std::span<const uint8_t> Item(const IdxFile& file, size_t i) {
  return {file.item(i), file.item_size};
}

std::vector<char> BinaryVector(const Dataset& data, size_t query) {
  std::vector<char> out;
  AppendVector(&out, Item(data.queries, query));
  return out;
}

// Shared buffers of the whole statement: the plan's top node comes first and includes its children.
double PagesOf(const std::string& json) {
  double pages = 0;
  for (const char* name : {"\"Shared Hit Blocks\": ", "\"Shared Read Blocks\": "}) {
    const size_t at = json.find(name);
    if (at == std::string::npos) throw std::runtime_error("EXPLAIN counts no buffers:\n" + json);
    pages += std::stod(json.substr(at + std::string(name).size()));
  }
  return pages;
}

double MeanPages(Connection* server, const Dataset& data, size_t sample) {
  double sum = 0;
  for (size_t q = 0; q < sample; ++q)
    sum += PagesOf(
        server->ExplainSearch("ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON", BinaryVector(data, q)));
  return sum / static_cast<double>(sample);
}

int32_t DistanceTo(const Dataset& data, size_t query, int32_t id) {
  return SquaredDistance(Item(data.queries, query), Item(data.images, static_cast<size_t>(id)));
}

}  // namespace

bool IsHit(const Dataset& data, size_t query, int32_t id) {
  return DistanceTo(data, query, id) <= data.exact[query].back().squared_distance;
}

double Recall(const Dataset& data, const std::vector<std::vector<int32_t>>& found) {
  size_t hits = 0;
  for (size_t q = 0; q < found.size(); ++q)
    hits += static_cast<size_t>(std::count_if(found[q].begin(), found[q].end(),
                                              [&](int32_t id) { return IsHit(data, q, id); }));
  return static_cast<double>(hits) / static_cast<double>(found.size() * kNeighbours);
}

Sweep MeasureSweep(Connection* server, const Dataset& data, int ef) {
  Progress progress("ef " + std::to_string(ef));
  server->Execute("SET quiver.ef_search = " + std::to_string(ef));

  const size_t total = data.queries.count;
  Sweep sweep;
  sweep.ef = ef;
  sweep.found.resize(total);
  std::vector<double> latencies;
  std::vector<int32_t> ids;
  for (size_t q = 0; q < std::min(kWarmUp, total); ++q) server->Search(BinaryVector(data, q), &ids);
  for (size_t q = 0; q < total; ++q) {
    const std::vector<char> vector = BinaryVector(data, q);
    const auto start = Clock::now();
    server->Search(vector, &sweep.found[q]);
    latencies.push_back(Milliseconds(Clock::now() - start));
    progress.Update(q + 1, total);
  }
  const double busy = std::accumulate(latencies.begin(), latencies.end(), 0.0);
  sweep.recall = Recall(data, sweep.found);
  sweep.qps = 1000.0 * static_cast<double>(total) / busy;
  sweep.p50_ms = Percentile(latencies, 0.50);
  sweep.p99_ms = Percentile(latencies, 0.99);
  sweep.pages = MeanPages(server, data, std::min(kPageSample, total));
  char line[64];
  std::snprintf(line, sizeof line, "recall %.4f, %.0f queries a second", sweep.recall, sweep.qps);
  progress.Finish(line);
  return sweep;
}

ExactScan MeasureExactScan(Connection* server, const Dataset& data, size_t queries) {
  Progress progress("exact scan through SQL");
  // A plan that is cached for the prepared statement would outlive the setting.
  server->Execute("SET enable_indexscan = off");
  server->Execute("DISCARD PLANS");
  ExactScan scan;
  scan.queries = queries;
  scan.plan = server->ExplainSearch("COSTS OFF", BinaryVector(data, 0));
  std::vector<double> latencies;
  std::vector<int32_t> ids;
  for (size_t q = 0; q < queries; ++q) {
    const std::vector<char> vector = BinaryVector(data, q);
    const auto start = Clock::now();
    server->Search(vector, &ids);
    latencies.push_back(Milliseconds(Clock::now() - start));
    bool same = ids.size() == kNeighbours;
    for (size_t i = 0; same && i < kNeighbours; ++i)
      same = DistanceTo(data, q, ids[i]) == data.exact[q][i].squared_distance;
    if (!same) ++scan.differing;
    progress.Update(q + 1, queries);
  }
  scan.p50_ms = Percentile(latencies, 0.50);
  scan.pages = MeanPages(server, data, 2);
  server->Execute("RESET enable_indexscan");
  server->Execute("DISCARD PLANS");
  progress.Finish(std::to_string(queries) + " queries, " +
                  (scan.differing == 0 ? "all with" : std::to_string(scan.differing) + " WITHOUT") +
                  " the distances that this program computed itself");
  return scan;
}

}  // namespace demo
