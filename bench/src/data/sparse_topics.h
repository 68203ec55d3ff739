// Seeded sparse rows shaped like learned sparse embeddings (SPLADE and its kin): a large
// vocabulary, some 60 to 200 non-negative weights a row, terms used as by Zipf's law, and rows of
// one topic that share their terms.
//
// A topic prefers `kTopicTerms` terms, drawn from the vocabulary by Zipf's law and weighted by it
// again in an order of its own.  A row mixes four topics with decreasing shares; the weight of a
// term is the mixture's times log-normal noise, to which terms of no topic are added, drawn by
// Zipf's law.  Of all these the row keeps as many of the heaviest as its length asks for (uniform
// in 60 .. 200) with log(1 + c weight) as their value.  Queries are drawn as rows are.
//
// Row i depends on the seed and on i alone: sets that differ only in n share their first rows.
#ifndef QUIVER_BENCH_DATA_SPARSE_TOPICS_H
#define QUIVER_BENCH_DATA_SPARSE_TOPICS_H

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/command_line.h"

namespace quiver::bench {

struct SparseTopicsSettings {
  size_t rows = 100000;       // n
  size_t queries = 1000;      // q
  size_t vocabulary = 30000;  // vocabulary
  size_t topics = 300;        // topics
  size_t least = 60;          // least: non-zeros of a row
  size_t most = 200;          // most
  uint64_t seed = 1;          // seed

  static SparseTopicsSettings FromSpec(const Spec& spec);
  std::string Key() const;
};

void GenerateSparseTopics(const SparseTopicsSettings& settings, const std::string& base,
                          const std::string& queries);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_SPARSE_TOPICS_H
