#include "core_value.h"

namespace quiver::bench {

namespace {

uint8_t ReverseBits(uint32_t byte) {
  uint32_t reversed = 0;
  for (int i = 0; i < 8; ++i) reversed |= (byte >> i & 1) << (7 - i);
  return static_cast<uint8_t>(reversed);
}

}  // namespace

QuiverForm CoreForm(Form form) {
  switch (form) {
    case Form::kDense:
      return QUIVER_FORM_DENSE;
    case Form::kBits:
      return QUIVER_FORM_BITS;
    case Form::kSparse:
      return QUIVER_FORM_SPARSE;
  }
  return QUIVER_FORM_DENSE;
}

QuiverMetric CoreMetric(Metric metric) {
  switch (metric) {
    case Metric::kL2:
      return QUIVER_METRIC_L2;
    case Metric::kInnerProduct:
      return QUIVER_METRIC_IP;
    case Metric::kCosine:
      return QUIVER_METRIC_COSINE;
    case Metric::kL1:
      return QUIVER_METRIC_L1;
    case Metric::kHamming:
      return QUIVER_METRIC_HAMMING;
    case Metric::kJaccard:
      return QUIVER_METRIC_JACCARD;
  }
  return QUIVER_METRIC_L2;
}

const QuiverValue* CoreValue::Set(const float* row) {
  value_ = {};
  switch (shape_.form) {
    case Form::kDense:
      value_.components = row;
      break;
    case Form::kBits:
      for (size_t i = 0; i < bits_.size(); ++i)
        bits_[i] = ReverseBits(BitWords(row)[i / 4] >> (i % 4 * 8) & 0xFF);
      value_.bits = bits_.data();
      break;
    case Form::kSparse: {
      SparseRow sparse(shape_, row);
      value_.components = sparse.values;
      value_.indices = sparse.indices;
      value_.count = sparse.count;
      break;
    }
  }
  return &value_;
}

}  // namespace quiver::bench
