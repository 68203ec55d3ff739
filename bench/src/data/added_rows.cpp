#include "data/added_rows.h"

#include <algorithm>
#include <cmath>

#include "base/failure.h"

namespace quiver::bench {

namespace {

constexpr uint64_t kSeed = 20;
constexpr uint64_t kQueryStream = 1ULL << 60;

void MoveBits(const RowShape& shape, SeededRandom* random, float* row) {
  uint32_t* words = reinterpret_cast<uint32_t*>(row);
  for (size_t i = 0; i < 1 + shape.dim / 100; ++i) {
    uint64_t bit = random->Below(shape.dim);
    words[bit / 32] ^= uint32_t{1} << (bit % 32);
  }
}

void MoveSparse(const RowShape& shape, SeededRandom* random, float* row) {
  SparseRow sparse(shape, row);
  float* values = row + (sparse.values - row);
  for (uint32_t i = 0; i < sparse.count; ++i)
    values[i] *= static_cast<float>(1 + 0.01 * random->Normal());
}

}  // namespace

const char* PatternName(AddPattern pattern) {
  switch (pattern) {
    case AddPattern::kSpread:
      return "spread";
    case AddPattern::kNear:
      return "near";
    case AddPattern::kDuplicates:
      return "duplicates";
  }
  return "";
}

AddPattern ParsePattern(const std::string& text) {
  for (AddPattern pattern : {AddPattern::kSpread, AddPattern::kNear, AddPattern::kDuplicates}) {
    if (text == PatternName(pattern)) return pattern;
  }
  Fail("unknown pattern \"{}\": spread, near or duplicates", text);
}

AddedRows::AddedRows(const Dataset& dataset, size_t present, AddPattern pattern)
    : dataset_(dataset), present_(present), pattern_(pattern), row_(dataset.base.words) {
  if (present < kCopied || present > dataset.base.rows)
    Fail("the data set has {} rows, of which {} cannot be present at first", dataset.base.rows,
         present);
  if (dataset.base.form == Form::kDense)
    step_ =
        0.1 * NearestDistance(dataset.base.Row(0)) / std::sqrt(static_cast<double>(dataset.dim()));
}

double AddedRows::NearestDistance(const float* row) const {
  double nearest = HUGE_VAL;
  for (size_t i = 0; i < present_; ++i) {
    double distance = ExactDistance(Metric::kL2, dataset_.base, row, dataset_.base.Row(i));
    if (distance > 0) nearest = std::min(nearest, distance);
  }
  return std::isfinite(nearest) ? std::sqrt(nearest) : 1;
}

void AddedRows::Move(const float* row, uint64_t stream, float* out) const {
  std::copy_n(row, dataset_.base.words, out);
  SeededRandom random(kSeed, stream);
  if (dataset_.base.form == Form::kBits) return MoveBits(dataset_.base, &random, out);
  if (dataset_.base.form == Form::kSparse) return MoveSparse(dataset_.base, &random, out);
  for (size_t i = 0; i < dataset_.dim(); ++i) out[i] += static_cast<float>(step_ * random.Normal());
}

const float* AddedRows::Row(size_t n) {
  const Matrix& base = dataset_.base;
  if (pattern_ == AddPattern::kDuplicates) return base.Row(n % std::min(kCopied, present_));
  if (pattern_ == AddPattern::kNear) {
    Move(base.Row(0), n, row_.data());
    return row_.data();
  }
  const size_t held = base.rows - present_;
  if (n < held) return base.Row(present_ + n);
  Move(base.Row(held > 0 ? present_ + n % held : n % base.rows), n, row_.data());
  return row_.data();
}

Matrix AddedRows::Queries(size_t n) {
  const size_t words = dataset_.base.words;
  queries_.resize(n * words);
  for (size_t i = 0; i < n; ++i) {
    const float* like = pattern_ == AddPattern::kNear ? dataset_.base.Row(0) : Row(i);
    Move(like, kQueryStream + i, &queries_[i * words]);
  }
  return {dataset_.base, queries_.data(), n};
}

}  // namespace quiver::bench
