// An index of the core over a data set, without PostgreSQL: its pages lie in memory.
#ifndef QUIVER_BENCH_GRAPH_CORE_INDEX_H
#define QUIVER_BENCH_GRAPH_CORE_INDEX_H

#include <cstdint>
#include <string>

#include "core_api.h"
#include "core_value.h"
#include "data/dataset.h"
#include "engine/engine.h"
#include "index_pages.h"
#include "operation_memory.h"

namespace quiver::bench {

struct CoreSettings {
  int m = 16;
  int ef_construction = 64;
  QuiverStorage storage = QUIVER_STORAGE_AUTO;
  uint64_t seed = 42;  // of the rotation
};

class CoreIndex {
 public:
  // Builds it, in this thread.
  CoreIndex(const Dataset& dataset, const CoreSettings& settings);
  CoreIndex(const CoreIndex&) = delete;
  CoreIndex& operator=(const CoreIndex&) = delete;

  double build_cpu_seconds() const { return build_cpu_seconds_; }
  const IndexPages& pages() const { return pages_; }
  const QuiverIndex* index() const { return index_; }
  // "graph of 7 x 30 slots a page, 3 upper layers, float16", or the list.
  std::string Layout() const;

 private:
  void Build(const Dataset& dataset, const CoreSettings& settings);

  IndexPages pages_;
  OperationMemory memory_;  // of the open index
  PageStore store_;
  const QuiverIndex* index_ = nullptr;
  double build_cpu_seconds_ = 0;
};

// Searches as a scan that is ended after k rows.  Its counters add up over searches.
class CoreSearcher : public Searcher {
 public:
  // `shape` is that of the index's rows.
  CoreSearcher(const CoreIndex* index, const RowShape& shape, int k);

  void SetEf(int ef) override;
  void Search(const float* query, int64_t* ids) override;
  bool Pin(int) override { return true; }

  const QuiverScanStats& counters() const { return counters_; }
  void ResetCounters() { counters_ = {}; }
  // The different pages of one more search, which is not counted otherwise.
  uint64_t DistinctPages(const float* query);

 private:
  const QuiverScanStats* Scan(const float* query, int64_t* ids);

  const CoreIndex* index_;
  int k_;
  CoreValue query_;
  OperationMemory memory_;
  PageStore store_;
  QuiverScanOptions options_;
  QuiverScanStats counters_ = {};
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_GRAPH_CORE_INDEX_H
