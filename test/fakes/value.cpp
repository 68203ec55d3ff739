#include "fakes/value.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/random.h"

namespace quiver::fakes {

Value Value::Bits(uint32_t dim, std::vector<uint8_t> bytes) {
  Value value;
  value.null_ = false;
  value.form_ = QUIVER_FORM_BITS;
  bytes.resize((dim + 7) / 8);
  if (dim % 8 != 0) bytes.back() &= static_cast<uint8_t>(0xFF << (8 - dim % 8));
  value.bits_ = std::move(bytes);
  return value;
}

Value Value::Sparse(std::vector<uint32_t> indices, Vector components) {
  Value value;
  value.null_ = false;
  value.form_ = QUIVER_FORM_SPARSE;
  value.indices_ = std::move(indices);
  value.components_ = std::move(components);
  return value;
}

QuiverValue Value::view() const {
  return {components_.data(), indices_.data(), bits_.data(),
          static_cast<uint32_t>(indices_.size())};
}

std::vector<Value> ValuesOf(const std::vector<Vector>& vectors) {
  return {vectors.begin(), vectors.end()};
}

std::vector<Value> BitStrings(uint64_t seed, size_t count, uint32_t dim, size_t clusters,
                              double share) {
  SplitMix64 random(seed);
  const size_t bytes = (dim + 7) / 8;
  const auto fresh = [&] {
    std::vector<uint8_t> bits(bytes);
    for (uint8_t& byte : bits) byte = static_cast<uint8_t>(random.Next() >> 32);
    return bits;
  };
  std::vector<std::vector<uint8_t>> centers;
  for (size_t i = 0; i < clusters; i++) centers.push_back(fresh());
  std::vector<Value> values;
  for (size_t i = 0; i < count; i++) {
    std::vector<uint8_t> bits = clusters == 0 ? fresh() : centers[i % clusters];
    if (clusters > 0)
      for (uint32_t bit = 0; bit < dim; bit++)
        if (random.NextDouble() < share) bits[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    values.push_back(Value::Bits(dim, std::move(bits)));
  }
  return values;
}

namespace {

// About normal: the sum of twelve uniforms.
float Normal(SplitMix64* random) {
  double sum = -6;
  for (int i = 0; i < 12; i++) sum += random->NextDouble();
  return sum == 0 ? 1.0f : static_cast<float>(sum);
}

Value SparseOf(const std::set<uint32_t>& indices, SplitMix64* random) {
  Vector components;
  for (size_t i = 0; i < indices.size(); i++) components.push_back(Normal(random));
  return Value::Sparse({indices.begin(), indices.end()}, std::move(components));
}

}  // namespace

std::vector<Value> SparseVectors(uint64_t seed, size_t count, uint32_t dim,
                                 const std::vector<uint32_t>& entries, uint32_t common) {
  SplitMix64 random(seed);
  std::vector<Value> values;
  for (size_t i = 0; i < count; i++) {
    const uint32_t wanted = std::min(entries[i % entries.size()], dim);
    std::set<uint32_t> indices;
    while (indices.size() < wanted) {
      const bool among_common =
          random.Next() % 2 == 0 && common < dim && indices.size() < common / 2;
      indices.insert(static_cast<uint32_t>(random.Next() % (among_common ? common : dim)));
    }
    values.push_back(SparseOf(indices, &random));
  }
  return values;
}

std::vector<Value> ClusteredSparse(uint64_t seed, size_t count, uint32_t dim, uint32_t entries,
                                   size_t clusters) {
  const std::vector<Value> centers = SparseVectors(seed ^ 0xC3, clusters, dim, {entries}, 0);
  SplitMix64 random(seed);
  std::vector<Value> values;
  for (size_t i = 0; i < count; i++) {
    const Value& center = centers[i % clusters];
    std::vector<std::pair<uint32_t, float>> own;
    for (size_t j = 0; j < center.indices().size(); j++)
      if (random.Next() % 8 != 0)
        own.push_back({center.indices()[j], center.components()[j] + 0.4f * Normal(&random)});
    while (own.size() < entries)
      own.push_back({static_cast<uint32_t>(random.Next() % dim), 0.4f * Normal(&random)});
    std::sort(own.begin(), own.end());
    std::vector<uint32_t> indices;
    Vector components;
    for (const auto& [index, component] : own) {
      if (component == 0 || (!indices.empty() && indices.back() == index)) continue;
      indices.push_back(index);
      components.push_back(component);
    }
    values.push_back(Value::Sparse(std::move(indices), std::move(components)));
  }
  return values;
}

Value ZeroValue(QuiverForm form, uint32_t dim) {
  if (form == QUIVER_FORM_BITS) return Value::Bits(dim, {});
  if (form == QUIVER_FORM_SPARSE) return Value::Sparse({}, {});
  return Vector(dim, 0.0f);
}

namespace {

// Both values' components at every dimension that either has.
template <class Visit>
void WalkBoth(const Value& a, const Value& b, const Visit& visit) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.indices().size() || j < b.indices().size()) {
    const uint64_t x = i < a.indices().size() ? a.indices()[i] : UINT64_MAX;
    const uint64_t y = j < b.indices().size() ? b.indices()[j] : UINT64_MAX;
    visit(x <= y ? a.components()[i] : 0.0f, y <= x ? b.components()[j] : 0.0f, x == y);
    i += x <= y ? 1 : 0;
    j += y <= x ? 1 : 0;
  }
}

void CountBits(const Value& a, const Value& b, uint64_t* both, uint64_t* either) {
  *both = 0;
  *either = 0;
  for (size_t i = 0; i < a.bits().size(); i++) {
    *both += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(a.bits()[i] & b.bits()[i])));
    *either +=
        static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(a.bits()[i] | b.bits()[i])));
  }
}

double JaccardOf(uint64_t both, uint64_t either) {
  return both == 0 ? 1 : 1 - static_cast<double>(both) / static_cast<double>(either);
}

// 1 - cosine, as src/types/distance_math.h has it.
double CosineOf(double product, double norm2a, double norm2b) {
  const double cosine = product / std::sqrt(norm2a * norm2b);
  return 1 - (cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
}

}  // namespace

double ExactDistance(QuiverMetric metric, const Value& a, const Value& b) {
  if (a.form() == QUIVER_FORM_DENSE) return ExactDistance(metric, a.components(), b.components());
  if (a.form() == QUIVER_FORM_BITS) {
    uint64_t both, either;
    CountBits(a, b, &both, &either);
    return metric == QUIVER_METRIC_HAMMING ? static_cast<double>(either - both)
                                           : JaccardOf(both, either);
  }
  Vector x, y;
  WalkBoth(a, b, [&](float u, float v, bool) {
    x.push_back(u);
    y.push_back(v);
  });
  return ExactDistance(metric, x, y);
}

namespace {

double SparseOperatorValue(QuiverMetric metric, const Value& a, const Value& b) {
  const auto product = [](const Value& u, const Value& v) {
    float sum = 0;
    WalkBoth(u, v, [&](float x, float y, bool shared) {
      if (shared) sum += x * y;
    });
    return sum;
  };
  float sum = 0;
  switch (metric) {
    case QUIVER_METRIC_L2:
      WalkBoth(a, b, [&](float x, float y, bool) { sum += (x - y) * (x - y); });
      return std::sqrt(static_cast<double>(sum));
    case QUIVER_METRIC_IP:
      return -static_cast<double>(product(a, b));
    case QUIVER_METRIC_COSINE:
      return CosineOf(product(a, b), product(a, a), product(b, b));
    default:
      WalkBoth(a, b, [&](float x, float y, bool) { sum += std::fabs(x - y); });
      return sum;
  }
}

}  // namespace

double OperatorValue(const QuiverKernels& kernels, QuiverMetric metric, const Value& a,
                     const Value& b) {
  if (a.form() == QUIVER_FORM_SPARSE) return SparseOperatorValue(metric, a, b);
  const size_t bytes = a.bits().size();
  const size_t dim = a.components().size();
  const float* x = a.components().data();
  const float* y = b.components().data();
  uint64_t both, either;
  float sums[3];
  switch (metric) {
    case QUIVER_METRIC_L2:
      return std::sqrt(static_cast<double>(kernels.l2sq_f32(x, y, dim)));
    case QUIVER_METRIC_IP:
      return -static_cast<double>(kernels.ip_f32(x, y, dim));
    case QUIVER_METRIC_COSINE:
      kernels.cosine_f32(x, y, dim, sums);
      return CosineOf(sums[0], sums[1], sums[2]);
    case QUIVER_METRIC_L1:
      return kernels.l1_f32(x, y, dim);
    case QUIVER_METRIC_HAMMING:
      return static_cast<double>(kernels.hamming(a.bits().data(), b.bits().data(), bytes));
    case QUIVER_METRIC_JACCARD:
      kernels.jaccard(a.bits().data(), b.bits().data(), bytes, &both, &either);
      return JaccardOf(both, either);
  }
  return NAN;
}

double HalfOperatorValue(const QuiverKernels& kernels, QuiverMetric metric, const Value& a,
                         const Value& b) {
  const size_t dim = a.components().size();
  std::vector<uint16_t> x(dim), y(dim);
  kernels.f32_to_f16(a.components().data(), x.data(), dim);
  kernels.f32_to_f16(b.components().data(), y.data(), dim);
  float sums[3];
  switch (metric) {
    case QUIVER_METRIC_L2:
      return std::sqrt(static_cast<double>(kernels.l2sq_f16(x.data(), y.data(), dim)));
    case QUIVER_METRIC_IP:
      return -static_cast<double>(kernels.ip_f16(x.data(), y.data(), dim));
    case QUIVER_METRIC_COSINE:
      kernels.cosine_f16(x.data(), y.data(), dim, sums);
      return CosineOf(sums[0], sums[1], sums[2]);
    case QUIVER_METRIC_L1:
      return kernels.l1_f16(x.data(), y.data(), dim);
    default:
      return NAN;
  }
}

double LengthOf(const Value& value) {
  double square = 0;
  for (const float x : value.components()) square += double{x} * x;
  return std::sqrt(square);
}

std::set<uint32_t> ExactNearest(QuiverMetric metric, const std::vector<Value>& rows,
                                const Value& query, size_t k) {
  std::vector<std::pair<double, uint32_t>> all;
  for (uint32_t i = 0; i < rows.size(); i++)
    all.push_back({ExactDistance(metric, rows[i], query), i});
  k = std::min(k, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(k), all.end());
  std::set<uint32_t> nearest;
  for (size_t i = 0; i < k; i++) nearest.insert(all[i].second);
  return nearest;
}

}  // namespace quiver::fakes
