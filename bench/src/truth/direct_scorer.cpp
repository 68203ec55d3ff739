#include <bit>
#include <cmath>
#include <vector>

#include "base/failure.h"
#include "truth/row_scorer.h"

namespace quiver::bench {

namespace {

// Calls score(q, row) for every pair, row by row: a row is fetched once for all queries.
class PairScorer : public RowScorer {
 public:
  explicit PairScorer(const Dataset& dataset) : dataset_(dataset) {}

  void SetQueries(size_t begin, size_t end) override {
    begin_ = begin;
    end_ = end;
  }

  void Score(size_t first, size_t rows, float* out) override {
    for (size_t i = 0; i < rows; ++i) {
      const float* row = dataset_.base.Row(first + i);
      for (size_t q = 0; q < end_ - begin_; ++q) out[q * rows + i] = ScoreOf(q, row);
    }
  }

 protected:
  virtual float ScoreOf(size_t query, const float* row) const = 0;
  const float* Query(size_t q) const { return dataset_.queries.Row(begin_ + q); }

  const Dataset& dataset_;
  size_t begin_ = 0, end_ = 0;
};

class ManhattanScorer : public PairScorer {
 public:
  using PairScorer::PairScorer;

 protected:
  float ScoreOf(size_t q, const float* row) const override {
    constexpr size_t kLanes = 16;  // sums of their own, so that the compiler may use registers
    const float* query = Query(q);
    const size_t dim = dataset_.dim();
    float sums[kLanes] = {};
    size_t i = 0;
    for (; i + kLanes <= dim; i += kLanes) {
      for (size_t j = 0; j < kLanes; ++j) sums[j] += std::abs(query[i + j] - row[i + j]);
    }
    float sum = 0;
    for (; i < dim; ++i) sum += std::abs(query[i] - row[i]);
    for (float lane : sums) sum += lane;
    return sum;
  }
};

class BitScorer : public PairScorer {
 public:
  using PairScorer::PairScorer;

 protected:
  float ScoreOf(size_t q, const float* row) const override {
    const uint32_t* a = BitWords(Query(q));
    const uint32_t* b = BitWords(row);
    int differing = 0, common = 0;
    for (size_t i = 0; i < dataset_.base.words; ++i) {
      differing += std::popcount(a[i] ^ b[i]);
      common += std::popcount(a[i] & b[i]);
    }
    if (dataset_.metric == Metric::kHamming) return static_cast<float>(differing);
    if (common == 0) return 1;
    return 1 - static_cast<float>(common) / static_cast<float>(common + differing);
  }
};

struct SparseTerms {
  double squares = 0;
  double absolute = 0;
};

SparseTerms TermsOf(const SparseRow& row) {
  SparseTerms terms;
  for (uint32_t i = 0; i < row.count; ++i) {
    terms.squares += static_cast<double>(row.values[i]) * row.values[i];
    terms.absolute += std::abs(static_cast<double>(row.values[i]));
  }
  return terms;
}

// Each query is spread over all its dimensions; a row then meets it by its own indices.
class SparseScorer : public PairScorer {
 public:
  SparseScorer(const Dataset& dataset, const std::vector<SparseTerms>& terms)
      : PairScorer(dataset), terms_(terms) {}

  void SetQueries(size_t begin, size_t end) override {
    PairScorer::SetQueries(begin, end);
    const size_t dim = dataset_.dim();
    spread_.assign((end - begin) * dim, 0.0f);
    for (size_t q = 0; q < end - begin; ++q) {
      SparseRow query(dataset_.queries, Query(q));
      for (uint32_t i = 0; i < query.count; ++i)
        spread_[q * dim + query.indices[i]] = query.values[i];
    }
  }

 protected:
  float ScoreOf(size_t q, const float* words) const override {
    SparseRow row(dataset_.base, words);
    const float* query = &spread_[q * dataset_.dim()];
    const SparseTerms& terms = terms_[RowNumber(words)];
    if (dataset_.metric == Metric::kL1) return Manhattan(row, query, terms);
    float product = 0;
    for (uint32_t i = 0; i < row.count; ++i) product += row.values[i] * query[row.indices[i]];
    switch (dataset_.metric) {
      case Metric::kL2:
        return static_cast<float>(terms.squares) - 2 * product;
      case Metric::kCosine:
        return terms.squares > 0 ? -product / static_cast<float>(std::sqrt(terms.squares))
                                 : HUGE_VALF;
      default:
        return -product;
    }
  }

 private:
  size_t RowNumber(const float* words) const {
    return static_cast<size_t>(words - dataset_.base.data) / dataset_.base.words;
  }

  // Less the sum over the query alone, which is the same for all rows.
  static float Manhattan(const SparseRow& row, const float* query, const SparseTerms& terms) {
    float sum = static_cast<float>(terms.absolute);
    for (uint32_t i = 0; i < row.count; ++i) {
      float x = row.values[i], y = query[row.indices[i]];
      sum += std::abs(x - y) - std::abs(x) - std::abs(y);
    }
    return sum;
  }

  const std::vector<SparseTerms>& terms_;
  std::vector<float> spread_;
};

class DirectScorers : public ScorerFactory {
 public:
  explicit DirectScorers(const Dataset& dataset) : dataset_(dataset) {
    if (dataset.base.form != Form::kSparse) return;
    for (size_t i = 0; i < dataset.base.rows; ++i)
      terms_.push_back(TermsOf(SparseRow(dataset.base, dataset.base.Row(i))));
  }

  std::unique_ptr<RowScorer> Make() const override {
    switch (dataset_.base.form) {
      case Form::kDense:
        return std::make_unique<ManhattanScorer>(dataset_);
      case Form::kBits:
        return std::make_unique<BitScorer>(dataset_);
      case Form::kSparse:
        return std::make_unique<SparseScorer>(dataset_, terms_);
    }
    Fail("rows of an unknown form");
  }

 private:
  const Dataset& dataset_;
  std::vector<SparseTerms> terms_;
};

}  // namespace

std::unique_ptr<ScorerFactory> MakeDirectScorers(const Dataset& dataset) {
  return std::make_unique<DirectScorers>(dataset);
}

std::unique_ptr<ScorerFactory> ScorerFactory::For(const Dataset& dataset) {
  bool products = dataset.base.form == Form::kDense && dataset.metric != Metric::kL1;
  return products ? MakeProductScorers(dataset) : MakeDirectScorers(dataset);
}

}  // namespace quiver::bench
