#include "data/quantize.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/failure.h"
#include "data/matrix_file.h"

namespace quiver::bench {

namespace {

constexpr size_t kSample = 10000;  // rows, taken evenly

std::vector<float> Medians(const Matrix& base) {
  std::vector<float> medians(base.dim);
  size_t step = std::max<size_t>(1, base.rows / kSample);
  std::vector<float> column;
  for (size_t d = 0; d < base.dim; ++d) {
    column.clear();
    for (size_t i = 0; i < base.rows; i += step) column.push_back(base.Row(i)[d]);
    auto middle = column.begin() + static_cast<long>(column.size() / 2);
    std::nth_element(column.begin(), middle, column.end());
    medians[d] = *middle;
  }
  return medians;
}

void WriteBits(const Matrix& dense, const std::vector<float>& thresholds, const std::string& path) {
  RowShape shape = RowShape::Bits(dense.dim);
  MatrixWriter writer(path, shape);
  std::vector<uint32_t> words(shape.words);
  for (size_t i = 0; i < dense.rows; ++i) {
    std::fill(words.begin(), words.end(), 0);
    const float* row = dense.Row(i);
    for (size_t d = 0; d < dense.dim; ++d) {
      if (row[d] > thresholds[d]) words[d / 32] |= 1u << (d % 32);
    }
    writer.Add(words.data());
  }
  writer.Finish();
}

}  // namespace

Threshold ParseThreshold(const std::string& text) {
  if (text == "median") return Threshold::kMedian;
  if (text == "sign") return Threshold::kSign;
  Fail("quantize must be median or sign, not \"{}\"", text);
}

void QuantizeToBits(Threshold threshold, const std::string& dense_base,
                    const std::string& dense_queries, const std::string& base,
                    const std::string& queries) {
  MappedMatrix from(dense_base);
  MappedMatrix asked(dense_queries);
  if (from.matrix().form != Form::kDense) Fail("only dense rows can be quantized");
  std::vector<float> thresholds = threshold == Threshold::kMedian
                                      ? Medians(from.matrix())
                                      : std::vector<float>(from.matrix().dim, 0.0f);
  WriteBits(from.matrix(), thresholds, base);
  WriteBits(asked.matrix(), thresholds, queries);
}

}  // namespace quiver::bench
