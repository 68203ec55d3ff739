// What the tests of whole indexes share.
#ifndef QUIVER_UNIT_INDEX_TESTING_H
#define QUIVER_UNIT_INDEX_TESTING_H

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fakes/memory_index.h"

namespace quiver::fakes {

inline std::string NameOf(QuiverMetric metric) {
  static const char* const names[] = {"", "L2", "IP", "cosine", "L1", "Hamming", "Jaccard"};
  return names[metric];
}
inline std::string NameOf(const QuiverIndexParams& params) {
  static const char* const forms[] = {"dense", "bits", "sparse"};
  return std::string(forms[params.form]) + " " + NameOf(params.metric) + " " +
         std::to_string(params.dim);
}

// The same as a part of a test's name.
inline std::string TestNameOf(const ::testing::TestParamInfo<QuiverIndexParams>& info) {
  std::string name = NameOf(info.param);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

// Every row of `expected` exactly once and no other.
template <class Rows>
void ExpectRowsOnce(const std::vector<Hit>& hits, const Rows& expected, const std::string& what) {
  std::map<uint32_t, int> times;
  for (const Hit& hit : hits) times[hit.row]++;
  size_t missing = 0;
  for (const uint32_t row : expected) missing += times.count(row) == 0 ? 1 : 0;
  EXPECT_EQ(missing, 0u) << what << ": rows missing of " << expected.size();
  size_t twice = 0;
  for (const auto& [row, count] : times) twice += count > 1 ? 1 : 0;
  EXPECT_EQ(twice, 0u) << what << ": rows found more than once";
  EXPECT_EQ(times.size() + missing, expected.size()) << what << ": rows that do not exist";
}

// The index is what the format says, down to the last code; to be called whenever
// nothing else uses it.
inline void ExpectSound(MemoryIndex* index, const std::string& what) {
  EXPECT_EQ(index->Verify().Complaints(), "") << what;
}

inline std::vector<uint32_t> RowsUpTo(uint32_t count, uint32_t first = 0) {
  std::vector<uint32_t> rows;
  for (uint32_t i = first; i < count; i++) rows.push_back(i);
  return rows;
}

// Distances first, in ascending order within a batch (strict: overall), then NaN, then NULL.
inline void ExpectKindsInOrder(const std::vector<Hit>& hits, const std::string& what) {
  for (size_t i = 1; i < hits.size(); i++)
    ASSERT_LE(hits[i - 1].kind, hits[i].kind) << what << ": row " << i << " of " << hits.size();
}

// What the n nearest rows are within: where distances tie, more than n are.
inline double NthDistance(QuiverMetric metric, const std::vector<Value>& rows, const Value& query,
                          size_t n) {
  std::vector<double> all;
  for (const Value& row : rows)
    if (!row.is_null()) all.push_back(ExactDistance(metric, row, query));
  std::nth_element(all.begin(), all.begin() + static_cast<ptrdiff_t>(n - 1), all.end());
  return all[n - 1];
}

// Mean share of the k nearest that the first k hits hold.
template <class Row>
double Recall(MemoryIndex* index, const std::vector<Row>& rows, const std::vector<Row>& queries,
              int ef, size_t k = 10) {
  double found = 0;
  for (const Row& query : queries) {
    const std::set<uint32_t> exact = ExactNearest(index->params().metric, rows, query, k);
    for (const Hit& hit : index->Search(query, OptionsOf(ef), k))
      found += exact.count(hit.row) != 0 ? 1 : 0;
  }
  return found / static_cast<double>(k * queries.size());
}

}  // namespace quiver::fakes

#endif  // QUIVER_UNIT_INDEX_TESTING_H
