#include "truth/row_pool.h"

#include <algorithm>

namespace quiver::bench {

RowPool::RowPool(const Dataset& dataset, size_t present)
    : dataset_(dataset),
      data_(dataset.base.Row(0), dataset.base.Row(present)),
      live_(present, true) {
  dataset_.base.data = data_.data();
  dataset_.base.rows = present;
}

std::vector<int64_t> RowPool::LiveIds() const {
  std::vector<int64_t> ids;
  for (size_t i = 0; i < live_.size(); ++i) {
    if (live_[i]) ids.push_back(static_cast<int64_t>(i));
  }
  return ids;
}

void RowPool::Put(int64_t id, const float* row) {
  const size_t at = static_cast<size_t>(id);
  const size_t words = dataset_.base.words;
  if (at >= live_.size()) {
    live_.resize(at + 1, false);
    data_.resize(live_.size() * words);
    dataset_.base.data = data_.data();
    dataset_.base.rows = live_.size();
  }
  std::copy_n(row, words, data_.begin() + static_cast<long>(at * words));
  live_[at] = true;
}

void RowPool::Delete(const std::vector<int64_t>& ids) {
  for (int64_t id : ids) live_[static_cast<size_t>(id)] = false;
}

void RowPool::Restore(const std::vector<int64_t>& ids) {
  for (int64_t id : ids) live_[static_cast<size_t>(id)] = true;
}

Dataset RowPool::WithQueries(const Matrix& queries) const {
  Dataset dataset = dataset_;
  dataset.queries = queries;
  return dataset;
}

GroundTruth RowPool::TruthFor(const Matrix& queries, size_t k) const {
  return GroundTruth::Among(WithQueries(queries), live_, k);
}

}  // namespace quiver::bench
