#include "truth/brute_force.h"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include "base/pinning.h"

namespace quiver::bench {

namespace {

constexpr size_t kQueryBlock = 256;
constexpr size_t kBaseBlock = 2048;
constexpr size_t kSpareCandidates = 32;  // float32 products may swap rows this close to rank k

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowMap = Eigen::Map<const RowMatrix>;
using Candidate = std::pair<float, uint32_t>;

// The best `capacity` candidates of one query, as a heap with the worst in front.
class Best {
 public:
  explicit Best(size_t capacity) : capacity_(capacity) { heap_.reserve(capacity); }

  float Worst() const { return heap_.size() < capacity_ ? HUGE_VALF : heap_.front().first; }
  void Add(float score, uint32_t row) {
    if (heap_.size() == capacity_) {
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
    }
    heap_.emplace_back(score, row);
    std::push_heap(heap_.begin(), heap_.end());
  }
  const std::vector<Candidate>& rows() const { return heap_; }

 private:
  size_t capacity_;
  std::vector<Candidate> heap_;
};

// A row's score is scale * <q, row> + offset: it orders rows as the metric does.
struct RowTerms {
  std::vector<float> scale;
  std::vector<float> offset;
};

RowTerms MakeRowTerms(const Dataset& dataset) {
  RowTerms terms;
  terms.scale.assign(dataset.base.rows, -1.0f);
  terms.offset.assign(dataset.base.rows, 0.0f);
  if (dataset.metric == Metric::kInnerProduct) return terms;
  for (size_t i = 0; i < dataset.base.rows; ++i) {
    double norm2 = 0;
    const float* row = dataset.base.Row(i);
    for (size_t j = 0; j < dataset.dim(); ++j) norm2 += static_cast<double>(row[j]) * row[j];
    if (dataset.metric == Metric::kL2) {
      terms.scale[i] = -2.0f;
      terms.offset[i] = static_cast<float>(norm2);
    } else {
      terms.scale[i] = norm2 > 0 ? static_cast<float>(-1 / std::sqrt(norm2)) : 0.0f;
      terms.offset[i] = norm2 > 0 ? 0.0f : HUGE_VALF;
    }
  }
  return terms;
}

void SearchBlock(const Dataset& dataset, const RowTerms& terms, size_t begin, size_t end, size_t k,
                 double* out) {
  const size_t dim = dataset.dim();
  const size_t capacity = std::min(k + kSpareCandidates, dataset.base.rows);
  std::vector<Best> best(end - begin, Best(capacity));
  RowMap queries(dataset.queries.Row(begin), static_cast<Eigen::Index>(end - begin),
                 static_cast<Eigen::Index>(dim));
  RowMatrix products;
  for (size_t b = 0; b < dataset.base.rows; b += kBaseBlock) {
    size_t n = std::min(kBaseBlock, dataset.base.rows - b);
    RowMap rows(dataset.base.Row(b), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(dim));
    products.noalias() = queries * rows.transpose();
    for (size_t q = 0; q < best.size(); ++q) {
      const float* product = &products(static_cast<Eigen::Index>(q), 0);
      for (size_t i = 0; i < n; ++i) {
        float score = terms.scale[b + i] * product[i] + terms.offset[b + i];
        if (score < best[q].Worst()) best[q].Add(score, static_cast<uint32_t>(b + i));
      }
    }
  }
  std::vector<double> exact;
  for (size_t q = 0; q < best.size(); ++q) {
    exact.clear();
    for (const Candidate& candidate : best[q].rows()) {
      exact.push_back(ExactDistance(dataset.metric, dataset.queries.Row(begin + q),
                                    dataset.base.Row(candidate.second), dim));
    }
    exact.resize(std::max(exact.size(), k), 2.0);  // zero vectors under cosine were left out
    std::partial_sort(exact.begin(), exact.begin() + static_cast<long>(k), exact.end());
    std::copy_n(exact.begin(), k, out + (begin + q) * k);
  }
}

}  // namespace

void BruteForceDistances(const Dataset& dataset, size_t k, double* out) {
  RowTerms terms = MakeRowTerms(dataset);
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (;;) {
      size_t begin = next.fetch_add(kQueryBlock);
      if (begin >= dataset.queries.rows) return;
      size_t end = std::min(begin + kQueryBlock, dataset.queries.rows);
      SearchBlock(dataset, terms, begin, end, k, out);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < CpuCount(); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace quiver::bench
