#include "data/sparse_topics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "data/matrix_file.h"
#include "data/seeded_random.h"

namespace quiver::bench {

namespace {

// Streams of one seed, kept apart by their upper bits.
enum Stream : uint64_t { kTopics = 1ULL << 60, kRows = 2ULL << 60, kQueries = 3ULL << 60 };

constexpr size_t kTopicTerms = 400;
constexpr size_t kTopicsOfRow = 4;
constexpr double kShares[kTopicsOfRow] = {0.4, 0.3, 0.2, 0.1};
constexpr size_t kStrayTerms = 20;
constexpr double kTermNoise = 0.5;  // standard deviation of the weights' logarithm
constexpr double kStrayWeight = 0.03;
constexpr double kSaturation = 100;  // c in log(1 + c weight)

// Draws ranks 0 .. n - 1 with probabilities as 1 / (rank + 1).
class Zipf {
 public:
  explicit Zipf(size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; ++i) cumulative_.push_back(total += 1 / static_cast<double>(i + 1));
  }
  size_t Draw(SeededRandom* random) const {
    double where = random->Uniform() * cumulative_.back();
    auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), where);
    return std::min(static_cast<size_t>(found - cumulative_.begin()), cumulative_.size() - 1);
  }

 private:
  std::vector<double> cumulative_;
};

using WeightedTerm = std::pair<uint32_t, double>;

class Generator {
 public:
  explicit Generator(const SparseTopicsSettings& settings)
      : s_(settings), zipf_(s_.vocabulary), weights_(s_.vocabulary, 0.0) {
    for (size_t t = 0; t < s_.topics; ++t) topics_.push_back(DrawTopic(t));
  }

  // Fills a row of RowShape::Sparse(vocabulary, most).
  void Row(uint64_t stream, uint64_t number, uint32_t* out) {
    SeededRandom random(s_.seed, stream + number);
    const size_t length = s_.least + random.Below(s_.most - s_.least + 1);
    terms_.clear();
    for (double share : kShares) {
      for (const WeightedTerm& term : topics_[random.Below(topics_.size())])
        Add(term.first, share * term.second * std::exp(kTermNoise * random.Normal()));
    }
    for (size_t i = 0; i < kStrayTerms; ++i)
      Add(static_cast<uint32_t>(zipf_.Draw(&random)),
          kStrayWeight * std::exp(kTermNoise * random.Normal()));
    std::sort(terms_.begin(), terms_.end(), [&](uint32_t a, uint32_t b) {
      return weights_[a] != weights_[b] ? weights_[a] > weights_[b] : a < b;
    });
    Write(std::min(length, terms_.size()), out);
    for (uint32_t term : terms_) weights_[term] = 0;
  }

 private:
  std::vector<WeightedTerm> DrawTopic(size_t number) {
    SeededRandom random(s_.seed, kTopics + number);
    std::vector<uint32_t> terms;
    while (terms.size() < std::min(kTopicTerms, s_.vocabulary / 2)) {
      uint32_t term = static_cast<uint32_t>(zipf_.Draw(&random));
      if (weights_[term] > 0) continue;
      weights_[term] = 1;
      terms.push_back(term);
    }
    for (uint32_t term : terms) weights_[term] = 0;
    for (size_t i = terms.size(); i > 1; --i) std::swap(terms[i - 1], terms[random.Below(i)]);
    std::vector<WeightedTerm> topic;
    for (size_t i = 0; i < terms.size(); ++i)
      topic.emplace_back(terms[i], 1 / static_cast<double>(i + 1));
    return topic;
  }

  void Add(uint32_t term, double weight) {
    if (weights_[term] == 0) terms_.push_back(term);
    weights_[term] += weight;
  }

  void Write(size_t count, uint32_t* out) {
    uint32_t* indices = out + 1;
    uint32_t* values = indices + s_.most;
    std::fill(out, values + s_.most, 0);
    std::copy_n(terms_.begin(), count, indices);
    std::sort(indices, indices + count);
    for (size_t i = 0; i < count; ++i) {
      double value = std::log1p(kSaturation * weights_[indices[i]]);
      values[i] = std::bit_cast<uint32_t>(static_cast<float>(value));
    }
    *out = static_cast<uint32_t>(count);
  }

  const SparseTopicsSettings& s_;
  Zipf zipf_;
  std::vector<std::vector<WeightedTerm>> topics_;
  std::vector<double> weights_;  // by term; all 0 between two rows
  std::vector<uint32_t> terms_;  // that the present row has
};

}  // namespace

SparseTopicsSettings SparseTopicsSettings::FromSpec(const Spec& spec) {
  spec.Allow(
      {"n", "q", "vocabulary", "topics", "least", "most", "seed", "metric", "rows", "limit"});
  SparseTopicsSettings s;
  auto take = [&](const char* key, size_t* value) {
    long given = spec.GetInt(key, static_cast<long>(*value));
    if (given < 1) Fail("sparse: {} must be at least 1", key);
    *value = static_cast<size_t>(given);
  };
  take("n", &s.rows);
  take("q", &s.queries);
  take("vocabulary", &s.vocabulary);
  take("topics", &s.topics);
  take("least", &s.least);
  take("most", &s.most);
  s.seed = static_cast<uint64_t>(spec.GetInt("seed", static_cast<long>(s.seed)));
  if (s.least > s.most || s.most > s.vocabulary)
    Fail("sparse: least <= most <= vocabulary is wanted, not {}, {}, {}", s.least, s.most,
         s.vocabulary);
  return s;
}

std::string SparseTopicsSettings::Key() const {
  return fmt::format("sparse.n={}.q={}.v={}.t={}.nz={}-{}.seed={}", rows, queries, vocabulary,
                     topics, least, most, seed);
}

void GenerateSparseTopics(const SparseTopicsSettings& settings, const std::string& base,
                          const std::string& queries) {
  Generator generator(settings);
  RowShape shape = RowShape::Sparse(settings.vocabulary, settings.most);
  std::vector<uint32_t> row(shape.words);
  MatrixWriter base_writer(base, shape);
  for (size_t i = 0; i < settings.rows; ++i) {
    generator.Row(kRows, i, row.data());
    base_writer.Add(row.data());
  }
  MatrixWriter query_writer(queries, shape);
  for (size_t i = 0; i < settings.queries; ++i) {
    generator.Row(kQueries, i, row.data());
    query_writer.Add(row.data());
  }
  base_writer.Finish();
  query_writer.Finish();
}

}  // namespace quiver::bench
