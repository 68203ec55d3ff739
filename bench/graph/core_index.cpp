#include "core_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/pinning.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

namespace {

// Enough that the limit never ends a beam of the widths that are measured.
constexpr size_t kScanMemory = size_t{4} << 20;
constexpr uint32_t kRowsPerBlock = 200;

// Rows are numbers here; the core wants the heap's addresses.
QuiverTid TidOf(size_t row) {
  return {.block = static_cast<uint32_t>(row / kRowsPerBlock),
          .offset = static_cast<uint16_t>(row % kRowsPerBlock + 1)};
}

int64_t RowOf(QuiverTid tid) {
  return static_cast<int64_t>(tid.block) * kRowsPerBlock + tid.offset - 1;
}

}  // namespace

CoreIndex::CoreIndex(const Dataset& dataset, const CoreSettings& settings)
    : store_(&pages_, &memory_) {
  double before = ThreadCpuSeconds();
  Build(dataset, settings);
  build_cpu_seconds_ = ThreadCpuSeconds() - before;
  index_ = quiver_index_open(store_.callbacks());
}

void CoreIndex::Build(const Dataset& dataset, const CoreSettings& settings) {
  QuiverIndexParams params = {};
  params.dim = static_cast<uint32_t>(dataset.dim());
  params.form = CoreForm(dataset.base.form);
  params.metric = CoreMetric(dataset.metric);
  params.storage = settings.storage;
  params.m = settings.m;
  params.ef_construction = settings.ef_construction;
  params.seed = settings.seed;

  OperationMemory memory;
  PageStore store(nullptr, &memory);
  QuiverBuild* build = quiver_build_begin(store.callbacks(), &params);
  CoreValue value(dataset.base);
  for (size_t i = 0; i < dataset.base.rows; ++i)
    quiver_build_add(build, TidOf(i), value.Set(dataset.base.Row(i)));
  quiver_build_link(build, nullptr, nullptr);
  quiver_build_write(
      build,
      [](void* pages, uint32_t, const uint8_t* page) {
        static_cast<IndexPages*>(pages)->Append(page);
      },
      &pages_);
}

std::string CoreIndex::Layout() const {
  QuiverShape shape;
  quiver_index_shape(store_.callbacks(), index_, &shape);
  const char* components = quiver_index_form(index_) == QUIVER_FORM_BITS ? "bits"
                           : quiver_index_stores_float32(index_)         ? "float32"
                                                                         : "float16";
  if (shape.levels < 0) return fmt::format("list of {} pages, {}", shape.list_pages, components);
  std::string nodes = shape.pages_per_node > 1
                          ? fmt::format("{} pages a node", shape.pages_per_node)
                          : fmt::format("{} nodes a page", shape.nodes_per_page);
  return fmt::format("{} of {} slots{}, {} upper layers, {}", nodes, shape.node_slots,
                     shape.coded ? "" : " without codes", shape.levels, components);
}

CoreSearcher::CoreSearcher(const CoreIndex* index, const RowShape& shape, int k)
    : index_(index), k_(k), query_(shape), store_(&index->pages(), &memory_), options_{} {
  options_.iterative = QUIVER_ITERATIVE_RELAXED;
  options_.memory_limit = kScanMemory;
  options_.bound = std::numeric_limits<double>::infinity();
}

void CoreSearcher::SetEf(int ef) {
  options_.ef_search = ef;
}

const QuiverScanStats* CoreSearcher::Scan(const float* query, int64_t* ids) {
  memory_.Reset();
  const QuiverValue* value = query_.Set(query);
  bool nearest = quiver_has_direction(index_->index(), value);
  QuiverScan* scan =
      quiver_scan_begin(store_.callbacks(), index_->index(), &options_,
                        nearest ? QUIVER_SCAN_NEAREST : QUIVER_SCAN_ALL, nearest ? value : nullptr);
  QuiverRow row;
  int found = 0;
  while (found < k_ && quiver_scan_next(scan, &row)) ids[found++] = RowOf(row.tid);
  std::fill(ids + found, ids + k_, kNoRow);
  return quiver_scan_stats(scan);
}

void CoreSearcher::Search(const float* query, int64_t* ids) {
  const QuiverScanStats* stats = Scan(query, ids);
  counters_.pages += stats->pages;
  counters_.expanded += stats->expanded;
  counters_.descended += stats->descended;
  counters_.estimates += stats->estimates;
}

uint64_t CoreSearcher::DistinctPages(const float* query) {
  std::vector<int64_t> ids(static_cast<size_t>(k_));
  const uint64_t before = store_.distinct();
  store_.BeginDistinct();
  Scan(query, ids.data());
  store_.EndDistinct();
  return store_.distinct() - before;
}

}  // namespace quiver::bench
