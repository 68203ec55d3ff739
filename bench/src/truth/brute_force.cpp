#include "truth/brute_force.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include "base/pinning.h"
#include "truth/row_scorer.h"

namespace quiver::bench {

namespace {

constexpr size_t kQueryBlock = 128;
constexpr size_t kBaseBlock = 2048;
constexpr size_t kSpareCandidates = 32;  // float32 products may swap rows this close to rank k

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

void SearchBlock(const Dataset& dataset, RowScorer* scorer, size_t begin, size_t end, size_t k,
                 double* out) {
  const size_t capacity = std::min(k + kSpareCandidates, dataset.base.rows);
  std::vector<Best> best(end - begin, Best(capacity));
  std::vector<float> scores(best.size() * kBaseBlock);
  scorer->SetQueries(begin, end);
  for (size_t b = 0; b < dataset.base.rows; b += kBaseBlock) {
    size_t n = std::min(kBaseBlock, dataset.base.rows - b);
    scorer->Score(b, n, scores.data());
    for (size_t q = 0; q < best.size(); ++q) {
      for (size_t i = 0; i < n; ++i) {
        float score = scores[q * n + i];
        if (score < best[q].Worst()) best[q].Add(score, static_cast<uint32_t>(b + i));
      }
    }
  }
  std::vector<double> exact;
  for (size_t q = 0; q < best.size(); ++q) {
    exact.clear();
    for (const Candidate& candidate : best[q].rows())
      exact.push_back(dataset.Distance(begin + q, candidate.second));
    exact.resize(std::max(exact.size(), k), 2.0);  // zero vectors under cosine were left out
    std::partial_sort(exact.begin(), exact.begin() + static_cast<long>(k), exact.end());
    std::copy_n(exact.begin(), k, out + (begin + q) * k);
  }
}

}  // namespace

void BruteForceDistances(const Dataset& dataset, size_t k, double* out) {
  auto scorers = ScorerFactory::For(dataset);
  std::atomic<size_t> next{0};
  auto work = [&] {
    auto scorer = scorers->Make();
    for (;;) {
      size_t begin = next.fetch_add(kQueryBlock);
      if (begin >= dataset.queries.rows) return;
      size_t end = std::min(begin + kQueryBlock, dataset.queries.rows);
      SearchBlock(dataset, scorer.get(), begin, end, k, out);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < CpuCount(); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace quiver::bench
