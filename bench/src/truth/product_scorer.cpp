#include <Eigen/Core>
#include <cmath>
#include <vector>

#include "truth/row_scorer.h"

namespace quiver::bench {

namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowMap = Eigen::Map<const RowMatrix>;
using OutMap = Eigen::Map<RowMatrix>;

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

RowMap Rows(const Matrix& matrix, size_t first, size_t count) {
  return RowMap(matrix.Row(first), static_cast<Eigen::Index>(count),
                static_cast<Eigen::Index>(matrix.dim));
}

class ProductScorer : public RowScorer {
 public:
  ProductScorer(const Dataset& dataset, const RowTerms& terms) : dataset_(dataset), terms_(terms) {}

  void SetQueries(size_t begin, size_t end) override {
    begin_ = begin;
    end_ = end;
  }

  void Score(size_t first, size_t rows, float* out) override {
    OutMap products(out, static_cast<Eigen::Index>(end_ - begin_), static_cast<Eigen::Index>(rows));
    products.noalias() = Rows(dataset_.queries, begin_, end_ - begin_) *
                         Rows(dataset_.base, first, rows).transpose();
    for (size_t q = 0; q < end_ - begin_; ++q) {
      for (size_t i = 0; i < rows; ++i, ++out)
        *out = terms_.scale[first + i] * *out + terms_.offset[first + i];
    }
  }

 private:
  const Dataset& dataset_;
  const RowTerms& terms_;
  size_t begin_ = 0, end_ = 0;
};

class ProductScorers : public ScorerFactory {
 public:
  explicit ProductScorers(const Dataset& dataset)
      : dataset_(dataset), terms_(MakeRowTerms(dataset)) {}
  std::unique_ptr<RowScorer> Make() const override {
    return std::make_unique<ProductScorer>(dataset_, terms_);
  }

 private:
  const Dataset& dataset_;
  RowTerms terms_;
};

}  // namespace

std::unique_ptr<ScorerFactory> MakeProductScorers(const Dataset& dataset) {
  return std::make_unique<ProductScorers>(dataset);
}

}  // namespace quiver::bench
