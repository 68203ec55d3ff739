#include "truth/ground_truth.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <unordered_set>

#include "base/failure.h"
#include "truth/brute_force.h"

namespace quiver::bench {

namespace {

// Allows for the rounding of a sum in double precision, and no more.
double Allowance(double distance) {
  return distance + std::abs(distance) * 1e-9 + 1e-12;
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

bool ReadCache(const std::string& path, std::vector<double>* values) {
  File file(std::fopen(path.c_str(), "rb"), std::fclose);
  return file != nullptr &&
         std::fread(values->data(), sizeof(double), values->size(), file.get()) == values->size();
}

void WriteCache(const std::string& path, const std::vector<double>& values) {
  std::string temporary = path + ".part";
  {
    File file(std::fopen(temporary.c_str(), "wb"), std::fclose);
    if (file == nullptr ||
        std::fwrite(values.data(), sizeof(double), values.size(), file.get()) != values.size())
      Fail("could not write \"{}\"", temporary);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) Fail("could not write \"{}\"", path);
}

}  // namespace

GroundTruth GroundTruth::For(const Dataset& dataset, size_t k, const std::string& cache_dir) {
  GroundTruth truth;
  truth.k_ = std::min(k, dataset.base.rows);
  truth.distances_.resize(dataset.queries.rows * truth.k_);
  std::string path = fmt::format("{}/{}.truth-k{}", cache_dir, dataset.cache_key, truth.k_);
  if (ReadCache(path, &truth.distances_)) return truth;
  fmt::print(stderr, "exact answers of {} queries over {} rows ...\n", dataset.queries.rows,
             dataset.base.rows);
  BruteForceDistances(dataset, truth.k_, truth.distances_.data());
  WriteCache(path, truth.distances_);
  return truth;
}

GroundTruth GroundTruth::Among(const Dataset& dataset, std::vector<bool> live, size_t k) {
  std::vector<float> rows;
  for (size_t i = 0; i < dataset.base.rows; ++i) {
    if (live[i]) rows.insert(rows.end(), dataset.base.Row(i), dataset.base.Row(i + 1));
  }
  Dataset part;
  part.metric = dataset.metric;
  part.base = {dataset.base, rows.data(), rows.size() / dataset.base.words};
  part.queries = dataset.queries;
  if (part.base.rows < k) Fail("{} rows are left, recall at {} needs more", part.base.rows, k);
  GroundTruth truth;
  truth.k_ = k;
  truth.live_ = std::move(live);
  truth.distances_.resize(part.queries.rows * k);
  BruteForceDistances(part, k, truth.distances_.data());
  return truth;
}

double GroundTruth::Recall(const Dataset& dataset, size_t first, size_t count, size_t k,
                           const std::vector<int64_t>& ids) const {
  if (k > k_) Fail("recall at {} needs ground truth of as many rows, there are {}", k, k_);
  size_t found = 0;
  std::unordered_set<int64_t> seen;
  for (size_t q = 0; q < count; ++q) {
    double limit = Allowance(Distance(first + q, k - 1));
    seen.clear();
    for (size_t i = 0; i < k; ++i) {
      int64_t id = ids[q * k + i];
      if (id == kNoRow || !seen.insert(id).second) continue;
      if (id < 0 || static_cast<size_t>(id) >= dataset.base.rows)
        Fail("an engine returned row {}, which is not in the data", id);
      if (!live_.empty() && !live_[static_cast<size_t>(id)])
        Fail("an engine returned row {}, which is deleted", id);
      if (dataset.Distance(first + q, static_cast<size_t>(id)) <= limit) ++found;
    }
  }
  return static_cast<double>(found) / static_cast<double>(count * k);
}

}  // namespace quiver::bench
