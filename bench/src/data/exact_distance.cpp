#include "data/exact_distance.h"

#include <bit>
#include <cmath>

#include "base/failure.h"

namespace quiver::bench {

namespace {

// What all metrics of numbers are made of, summed over pairs of components.
struct Sums {
  double squares = 0;   // of differences
  double absolute = 0;  // differences
  double product = 0;
  double aa = 0, bb = 0;

  void Add(double x, double y) {
    squares += (x - y) * (x - y);
    absolute += std::abs(x - y);
    product += x * y;
    aa += x * x;
    bb += y * y;
  }

  double Distance(Metric metric) const {
    switch (metric) {
      case Metric::kL2:
        return squares;
      case Metric::kInnerProduct:
        return -product;
      case Metric::kCosine:
        return aa > 0 && bb > 0 ? 1 - product / std::sqrt(aa * bb) : 2;
      case Metric::kL1:
        return absolute;
      default:
        return 0;
    }
  }
};

Sums DenseSums(const float* a, const float* b, size_t dim) {
  Sums sums;
  for (size_t i = 0; i < dim; ++i) sums.Add(a[i], b[i]);
  return sums;
}

Sums SparseSums(const SparseRow& a, const SparseRow& b) {
  Sums sums;
  uint32_t i = 0, j = 0;
  while (i < a.count || j < b.count) {
    if (j == b.count || (i < a.count && a.indices[i] < b.indices[j])) {
      sums.Add(a.values[i++], 0);
    } else if (i == a.count || b.indices[j] < a.indices[i]) {
      sums.Add(0, b.values[j++]);
    } else {
      sums.Add(a.values[i++], b.values[j++]);
    }
  }
  return sums;
}

double BitDistance(Metric metric, const uint32_t* a, const uint32_t* b, size_t words) {
  int differing = 0, common = 0, either = 0;
  for (size_t i = 0; i < words; ++i) {
    differing += std::popcount(a[i] ^ b[i]);
    common += std::popcount(a[i] & b[i]);
    either += std::popcount(a[i] | b[i]);
  }
  if (metric == Metric::kHamming) return differing;
  return either == 0 ? 1 : 1 - static_cast<double>(common) / either;
}

}  // namespace

const char* MetricName(Metric metric) {
  switch (metric) {
    case Metric::kL2:
      return "l2";
    case Metric::kInnerProduct:
      return "ip";
    case Metric::kCosine:
      return "cosine";
    case Metric::kL1:
      return "l1";
    case Metric::kHamming:
      return "hamming";
    case Metric::kJaccard:
      return "jaccard";
  }
  return "";
}

Metric ParseMetric(const std::string& text) {
  for (Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine, Metric::kL1,
                        Metric::kHamming, Metric::kJaccard}) {
    if (text == MetricName(metric)) return metric;
  }
  Fail("metric must be l2, ip, cosine, l1, hamming or jaccard, not \"{}\"", text);
}

bool FormHasMetric(Form form, Metric metric) {
  return (form == Form::kBits) == (metric == Metric::kHamming || metric == Metric::kJaccard);
}

double ExactDistance(Metric metric, const RowShape& shape, const float* a, const float* b) {
  switch (shape.form) {
    case Form::kDense:
      return DenseSums(a, b, shape.dim).Distance(metric);
    case Form::kBits:
      return BitDistance(metric, BitWords(a), BitWords(b), shape.words);
    case Form::kSparse:
      return SparseSums(SparseRow(shape, a), SparseRow(shape, b)).Distance(metric);
  }
  return 0;
}

double SqlDistance(Metric metric, double exact) {
  return metric == Metric::kL2 ? std::sqrt(exact) : exact;
}

}  // namespace quiver::bench
