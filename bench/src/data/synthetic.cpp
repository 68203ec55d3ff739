#include "data/synthetic.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/failure.h"
#include "data/matrix_file.h"
#include "data/seeded_random.h"

namespace quiver::bench {

namespace {

// Streams of one seed, kept apart by their upper bits.
enum Stream : uint64_t {
  kCentres = 1ULL << 60,
  kAxes = 2ULL << 60,
  kRows = 3ULL << 60,
  kQueries = 4ULL << 60
};

class Generator {
 public:
  explicit Generator(const SyntheticSettings& settings) : s_(settings) {
    centres_.resize(s_.clusters * s_.dim);
    for (size_t c = 0; c < s_.clusters; ++c) {
      SeededRandom random(s_.seed, kCentres + c);
      for (size_t i = 0; i < s_.dim; ++i)
        centres_[c * s_.dim + i] = static_cast<float>(s_.spread * random.Normal());
    }
    // A few matrices shared by all clusters keep memory small for any number of them.
    axes_.resize(kAxisSets * s_.intrinsic * s_.dim);
    double scale = 1 / std::sqrt(static_cast<double>(s_.intrinsic));
    for (size_t a = 0; a < kAxisSets; ++a) {
      SeededRandom random(s_.seed, kAxes + a);
      for (size_t i = 0; i < s_.intrinsic * s_.dim; ++i)
        axes_[a * s_.intrinsic * s_.dim + i] = static_cast<float>(scale * random.Normal());
    }
    double total = 0;
    for (size_t c = 0; c < s_.clusters; ++c) {
      total += 1 / std::sqrt(static_cast<double>(c + 1));
      cumulative_.push_back(total);
    }
    for (double& share : cumulative_) share /= total;
  }

  void Row(uint64_t stream, uint64_t number, float* out) const {
    SeededRandom random(s_.seed, stream + number);
    double where = random.Uniform();
    size_t c = static_cast<size_t>(std::upper_bound(cumulative_.begin(), cumulative_.end(), where) -
                                   cumulative_.begin());
    c = std::min(c, s_.clusters - 1);
    const float* centre = &centres_[c * s_.dim];
    for (size_t i = 0; i < s_.dim; ++i)
      out[i] = centre[i] + static_cast<float>(s_.noise * random.Normal());
    const float* axis = &axes_[(c % kAxisSets) * s_.intrinsic * s_.dim];
    for (size_t j = 0; j < s_.intrinsic; ++j, axis += s_.dim) {
      float z = static_cast<float>(random.Normal());
      for (size_t i = 0; i < s_.dim; ++i) out[i] += z * axis[i];
    }
  }

 private:
  static constexpr size_t kAxisSets = 64;

  const SyntheticSettings& s_;
  std::vector<float> centres_;
  std::vector<float> axes_;
  std::vector<double> cumulative_;
};

}  // namespace

SyntheticSettings SyntheticSettings::FromSpec(const Spec& spec) {
  spec.Allow({"n", "d", "q", "clusters", "hardness", "intrinsic", "spread", "noise", "seed",
              "metric", "rows", "limit", "quantize"});
  SyntheticSettings s;
  s.rows = static_cast<size_t>(spec.GetInt("n", static_cast<long>(s.rows)));
  s.dim = static_cast<size_t>(spec.GetInt("d", static_cast<long>(s.dim)));
  s.queries = static_cast<size_t>(spec.GetInt("q", static_cast<long>(s.queries)));
  s.clusters = static_cast<size_t>(spec.GetInt("clusters", static_cast<long>(s.clusters)));
  s.hardness = spec.GetDouble("hardness", s.hardness);
  s.intrinsic = static_cast<size_t>(spec.GetInt("intrinsic", 0));
  s.spread = spec.GetDouble("spread", s.spread);
  s.noise = spec.GetDouble("noise", s.noise);
  s.seed = static_cast<uint64_t>(spec.GetInt("seed", static_cast<long>(s.seed)));
  if (s.rows < 1 || s.dim < 1 || s.dim > 16000 || s.queries < 1 || s.clusters < 1)
    Fail("synthetic: n, q and clusters must be at least 1, d between 1 and 16000");
  if (s.hardness < 0 || s.hardness > 1) Fail("synthetic: hardness must be between 0 and 1");
  if (s.intrinsic == 0) {
    double low = std::min(4.0, static_cast<double>(s.dim));
    s.intrinsic = static_cast<size_t>(
        std::lround(low * std::pow(static_cast<double>(s.dim) / low, s.hardness)));
  }
  s.intrinsic = std::clamp<size_t>(s.intrinsic, 1, s.dim);
  return s;
}

std::string SyntheticSettings::Key() const {
  return fmt::format("synthetic.n={}.d={}.q={}.c={}.i={}.spread={}.noise={}.seed={}", rows, dim,
                     queries, clusters, intrinsic, spread, noise, seed);
}

void GenerateSynthetic(const SyntheticSettings& settings, const std::string& base,
                       const std::string& queries) {
  Generator generator(settings);
  std::vector<float> row(settings.dim);
  MatrixWriter base_writer(base, RowShape::Dense(settings.dim));
  for (size_t i = 0; i < settings.rows; ++i) {
    generator.Row(kRows, i, row.data());
    base_writer.Add(row.data());
  }
  MatrixWriter query_writer(queries, RowShape::Dense(settings.dim));
  for (size_t i = 0; i < settings.queries; ++i) {
    generator.Row(kQueries, i, row.data());
    query_writer.Add(row.data());
  }
  base_writer.Finish();
  query_writer.Finish();
}

}  // namespace quiver::bench
