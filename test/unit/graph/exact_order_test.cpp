// exact_order: what the SQL operator returns at any SIMD level lies within the bounds
// of a row's distance; keys, the lower ones, never fall within a scan; where a row's
// place is sure, the operator agrees; and bounds are close enough to be of use.
#include <cmath>

#include "graph/build.h"
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

std::vector<const QuiverKernels*> Levels() {
  std::vector<const QuiverKernels*> levels;
  for (const QuiverSimdLevel level :
       {QUIVER_SIMD_SCALAR, QUIVER_SIMD_AVX2, QUIVER_SIMD_AVX512, QUIVER_SIMD_NEON})
    if (const QuiverKernels* kernels = quiver_kernels_for(level)) levels.push_back(kernels);
  return levels;
}

// Computes the bounds of a row's distance as a scan does, without pages.
class Bounder {
 public:
  explicit Bounder(const QuiverIndexParams& params) : store_(&none_) {
    MetaData meta;
    NodeLayout layout;
    EXPECT_TRUE(DescribeIndex(params, 1024, &meta, &layout));
    allocator_ = {store_.callbacks()->context, store_.callbacks()->allocate};
    index_ = MakeIndex(&allocator_, meta, layout);
  }

  // Of the row, with `kernels` in force.
  DistanceBounds Bounds(const QuiverKernels& kernels, const Value& query, const Value& row) {
    const QuiverValue view = row.view();
    bytes_.resize(StoredBytes(*index_, view) / 8 + 1);
    scratch_.resize(2 * size_t{index_->layout.form == QUIVER_FORM_DENSE ? index_->layout.dim : 1});
    const StoredVector stored = StoreValue(
        kernels, *index_, view, reinterpret_cast<uint8_t*>(bytes_.data()), scratch_.data());
    MemoryStore scratch(&none_);
    Allocator allocator = {scratch.callbacks()->context, scratch.callbacks()->allocate};
    QueryMaker maker(&kernels, index_, &allocator);
    const Query q = maker.Make(query.view());
    const float size = index_->metric == QUIVER_METRIC_IP
                           ? StoredSize(kernels, *index_, stored, scratch_.data())
                           : 0;
    return BoundsOf(*index_, q, Distance(kernels, *index_, q, stored), stored, size);
  }

 private:
  MemoryFile none_;
  MemoryStore store_;
  Allocator allocator_;
  QuiverIndex* index_;
  std::vector<uint64_t> bytes_;
  Vector scratch_;
};

// The operator sorts a value that is not a number last.
bool Holds(const DistanceBounds& bounds, double value) {
  return std::isnan(value) ||
         (static_cast<double>(bounds.lower) <= value && value <= static_cast<double>(bounds.upper));
}

// Under cosine the operators sum squares of the original components: where float32
// holds these badly or not at all, their value is no cosine.
bool HasSoundCosine(const Value& value) {
  const double square = LengthOf(value) * LengthOf(value);
  return square == 0 || (square > 1e-33 && square < 1e38);
}

void ExpectWithin(Bounder* bounder, QuiverMetric metric, const Value& query, const Value& row,
                  bool halves, const std::string& what) {
  if (metric == QUIVER_METRIC_COSINE && (!HasSoundCosine(query) || !HasSoundCosine(row))) return;
  for (const QuiverKernels* core : Levels()) {
    const DistanceBounds bounds = bounder->Bounds(*core, query, row);
    ASSERT_LE(bounds.lower, bounds.upper) << what;
    for (const QuiverKernels* sql : Levels()) {
      const double value = OperatorValue(*sql, metric, query, row);
      ASSERT_TRUE(Holds(bounds, value))
          << what << ": " << bounds.lower << " .. " << bounds.upper << " at " << core->name
          << ", operator " << value << " at " << sql->name << ", exact "
          << ExactDistance(metric, query, row);
      if (!halves) continue;
      const double half = HalfOperatorValue(*sql, metric, query, row);
      ASSERT_TRUE(Holds(bounds, half))
          << what << ": " << bounds.lower << " .. " << bounds.upper << " at " << core->name
          << ", halfvec's operator " << half << " at " << sql->name;
    }
  }
}

std::string Shown(float scale) {
  char text[32];
  snprintf(text, sizeof text, "%g", static_cast<double>(scale));
  return text;
}

// A query and rows that are hard: far, near, nearly equal, equal, opposite, zero.
std::vector<Vector> HardRows(uint64_t seed, uint32_t dim, const Vector& query) {
  std::vector<Vector> rows = GaussianVectors(seed, 6, dim);
  rows.push_back(query);
  for (const float step : {1e-1f, 1e-3f, 1e-5f, 1e-7f}) {
    Vector near = query;
    for (uint32_t i = 0; i < dim; i++) near[i] += step * rows[0][i];
    rows.push_back(near);
  }
  Vector opposite = query;
  for (float& component : opposite) component = -component;
  rows.push_back(opposite);
  rows.push_back(Vector(dim, 0.0f));
  Vector spike(dim, 0.0f);
  spike[dim / 2] = 3;
  rows.push_back(spike);
  return rows;
}

void Transform(Vector* vector, float offset, float scale) {
  for (float& component : *vector) {
    component = (component + offset) * scale;
    if (std::fabs(component) > 3e38f) component = std::copysign(3e38f, component);
  }
}

TEST(ExactOrder, DenseBoundsHoldTheOperators) {
  uint64_t seed = 541;
  printf("seed %lu\n", seed);
  for (const QuiverMetric metric :
       {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE, QUIVER_METRIC_L1}) {
    for (const QuiverStorage storage : {QUIVER_STORAGE_FLOAT16, QUIVER_STORAGE_FLOAT32}) {
      for (const uint32_t dim : {1u, 2u, 3u, 7u, 16u, 31u, 64u, 100u, 129u, 768u, 1536u, 4097u}) {
        Bounder bounder(ParamsOf(dim, metric, 16, storage));
        for (const float offset : {0.0f, 1.0f, 300.0f}) {
          const Vector plain = GaussianVectors(seed++, 1, dim)[0];
          const std::vector<Vector> rows = HardRows(seed++, dim, plain);
          for (const float scale : {1e-44f, 1e-38f, 1e-30f, 1e-23f, 1e-21f, 1e-18f, 1e-10f, 1e-4f,
                                    1.0f, 255.0f, 1e9f, 1e17f, 1e19f, 1e30f, 1e36f, 3e38f}) {
            Vector query = plain;
            Transform(&query, offset, scale);
            for (Vector row : rows) {
              Transform(&row, offset, scale);
              ExpectWithin(&bounder, metric, query, row, false,
                           NameOf(metric) + ", " + std::to_string(dim) + " dimensions, offset " +
                               std::to_string(offset) + ", scale " + Shown(scale));
              if (HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

// Components that float16 has exactly: what halfvec holds.
TEST(ExactOrder, HalfBoundsHoldTheOperators) {
  uint64_t seed = 561;
  printf("seed %lu\n", seed);
  const QuiverKernels& kernels = *quiver_kernels();
  const auto rounded = [&](Vector vector) {
    std::vector<uint16_t> halves(vector.size());
    for (float& x : vector) x = std::clamp(x, -65504.0f, 65504.0f);
    kernels.f32_to_f16(vector.data(), halves.data(), halves.size());
    kernels.f16_to_f32(halves.data(), vector.data(), halves.size());
    return vector;
  };
  for (const QuiverMetric metric :
       {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE, QUIVER_METRIC_L1}) {
    for (const uint32_t dim : {1u, 3u, 16u, 100u, 768u, 2000u}) {
      Bounder bounder(ParamsOf(dim, metric));
      for (const float scale : {1e-7f, 1e-4f, 1.0f, 100.0f, 30000.0f}) {
        Vector query = GaussianVectors(seed++, 1, dim)[0];
        for (Vector row : HardRows(seed++, dim, query)) {
          Vector scaled = query;
          Transform(&scaled, 0, scale);
          Transform(&row, 0, scale);
          ExpectWithin(
              &bounder, metric, rounded(scaled), rounded(row), true,
              NameOf(metric) + ", " + std::to_string(dim) + " halves, scale " + Shown(scale));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(ExactOrder, BitBoundsHoldTheOperators) {
  for (const QuiverMetric metric : {QUIVER_METRIC_HAMMING, QUIVER_METRIC_JACCARD}) {
    for (const uint32_t dim : {1u, 9u, 64u, 700u, 2049u, 64000u}) {
      Bounder bounder(ParamsOf(dim, metric));
      std::vector<Value> values = BitStrings(581, 12, dim, 3, 0.1);
      values.push_back(ZeroValue(QUIVER_FORM_BITS, dim));
      values.push_back(Value::Bits(dim, std::vector<uint8_t>((dim + 7) / 8, 0xFF)));
      for (const Value& query : values)
        for (const Value& row : values) {
          ExpectWithin(&bounder, metric, query, row, false,
                       NameOf(metric) + ", " + std::to_string(dim));
          if (HasFatalFailure()) return;
        }
    }
  }
}

TEST(ExactOrder, SparseBoundsHoldTheOperators) {
  const uint64_t seed = 591;
  printf("seed %lu\n", seed);
  for (const QuiverMetric metric :
       {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE, QUIVER_METRIC_L1}) {
    for (const uint32_t common : {10u, 200u, 5000u}) {
      Bounder bounder(SparseParamsOf(100000, metric));
      for (const float scale : {1e-44f, 1e-30f, 1e-21f, 1e-5f, 1.0f, 1e9f, 1e19f, 1e36f}) {
        std::vector<Value> values;
        for (const Value& value :
             SparseVectors(seed + common, 14, 100000, {0, 1, 5, 100, 1000, 16000}, common)) {
          Vector components = value.components();
          Transform(&components, 0, scale);
          std::vector<uint32_t> indices;
          Vector kept;
          for (size_t i = 0; i < components.size(); i++) {
            if (components[i] == 0) continue;
            kept.push_back(components[i]);
            indices.push_back(value.indices()[i]);
          }
          values.push_back(Value::Sparse(indices, kept));
        }
        for (const Value& query : {values[2], values[3], values[4], values[5], values[0]}) {
          for (const Value& row : values) {
            ExpectWithin(
                &bounder, metric, query, row, false,
                NameOf(metric) + ", common " + std::to_string(common) + ", scale " + Shown(scale));
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

// Bounds this close to the operators' values send few rows back for another look.
TEST(ExactOrder, BoundsAreClose) {
  for (const QuiverMetric metric :
       {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE, QUIVER_METRIC_L1}) {
    for (const QuiverStorage storage : {QUIVER_STORAGE_FLOAT16, QUIVER_STORAGE_FLOAT32}) {
      Bounder bounder(ParamsOf(768, metric, 16, storage));
      const std::vector<Vector> values = GaussianVectors(601, 20, 768);
      for (size_t i = 1; i < values.size(); i++) {
        const double value = OperatorValue(*quiver_kernels(), metric, values[0], values[i]);
        const DistanceBounds bounds = bounder.Bounds(*quiver_kernels(), values[0], values[i]);
        const double unit = metric == QUIVER_METRIC_COSINE ? 1
                            : metric == QUIVER_METRIC_IP ? LengthOf(values[0]) * LengthOf(values[i])
                                                         : value;
        const double share = storage == QUIVER_STORAGE_FLOAT16 ? 2.5e-3 : 5e-4;
        EXPECT_GE(bounds.lower, value - unit * share) << NameOf(metric);
        EXPECT_LE(bounds.upper, value + unit * share) << NameOf(metric);
      }
    }
  }
}

// Through a scan: keys ascend, none is above the operator's value, no row comes twice,
// what is not returned has been counted, and a row whose place is sure comes after
// all that the operator, at any level, puts before it, and before all others.
TEST(ExactOrder, ScansReturnKeysInOrder) {
  const uint64_t seed = 611;
  printf("seed %lu\n", seed);
  for (const QuiverIndexParams& params :
       {ParamsOf(100), ParamsOf(100, QUIVER_METRIC_L2, 16, QUIVER_STORAGE_FLOAT16),
        ParamsOf(100, QUIVER_METRIC_IP), ParamsOf(100, QUIVER_METRIC_COSINE),
        ParamsOf(100, QUIVER_METRIC_L1), ParamsOf(3000, QUIVER_METRIC_L2),
        ParamsOf(600, QUIVER_METRIC_HAMMING), ParamsOf(4000, QUIVER_METRIC_JACCARD),
        SparseParamsOf(20000, QUIVER_METRIC_L2), SparseParamsOf(20000, QUIVER_METRIC_IP),
        SparseParamsOf(20000, QUIVER_METRIC_COSINE), SparseParamsOf(20000, QUIVER_METRIC_L1)}) {
    std::vector<Value> rows = RandomValues(params, seed, 500);
    for (size_t i = 0; i < rows.size(); i += 20) rows[i] = rows[i / 2 + 1];
    MemoryIndex index(params);
    index.SetListLimit(2);
    index.InsertAll(rows);
    QuiverScanOptions options = OptionsOf(20);
    options.exact_order = true;
    size_t returned = 0;
    size_t sure = 0;
    for (const Value& query : RandomValues(params, seed + 1, 4)) {
      Cursor cursor(index.file(), index.index(), options, query);
      std::vector<Hit> hits;
      std::set<uint32_t> once;
      while (const std::optional<Hit> hit = cursor.Next()) {
        EXPECT_TRUE(once.insert(hit->row).second);
        ASSERT_TRUE(hits.empty() || hits.back().distance <= hit->distance) << NameOf(params);
        hits.push_back(*hit);
      }
      EXPECT_EQ(Describe(cursor.error()), "");
      EXPECT_EQ(once.size() + cursor.stats().dropped, 500u) << NameOf(params);
      returned += hits.size();
      for (const QuiverKernels* sql : Levels()) {
        std::vector<double> values;
        for (const Hit& hit : hits)
          values.push_back(OperatorValue(*sql, params.metric, query, rows[hit.row]));
        double before = -INFINITY;
        for (size_t i = 0; i < hits.size(); i++) {
          ASSERT_LE(hits[i].distance, values[i]) << NameOf(params);
          if (hits[i].sure) {
            sure++;
            ASSERT_LE(before, values[i]) << NameOf(params) << ", row " << i;
            for (size_t j = i + 1; j < hits.size(); j++)
              ASSERT_LE(values[i], values[j]) << NameOf(params) << ", rows " << i << ", " << j;
          }
          before = std::max(before, values[i]);
        }
      }
    }
    printf("%s: %.2f of %zu rows in a place that is sure\n", NameOf(params).c_str(),
           static_cast<double>(sure) / static_cast<double>(Levels().size() * returned), returned);
  }
}

// Within one batch nothing comes too late: a place that is not sure leaves none out.
TEST(ExactOrder, OneBatchLeavesNoRowOut) {
  for (const QuiverMetric metric :
       {QUIVER_METRIC_L2, QUIVER_METRIC_IP, QUIVER_METRIC_COSINE, QUIVER_METRIC_L1}) {
    const QuiverIndexParams params = ParamsOf(100, metric, 16, QUIVER_STORAGE_FLOAT16);
    MemoryIndex index(params);
    std::vector<Value> rows = RandomValues(params, 621, 1000);
    index.InsertAll(rows);
    ASSERT_EQ(index.partition().state, PartitionState::kList);
    QuiverScanOptions options = OptionsOf(20);
    options.exact_order = true;
    for (const Value& query : RandomValues(params, 622, 3))
      ExpectRowsOnce(index.Search(query, options), RowsUpTo(1000), NameOf(params));
  }
}

}  // namespace
}  // namespace quiver::fakes
