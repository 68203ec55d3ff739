// The C face of the core: what core_api.h declares, in terms of graph/.
#include "core_api.h"

#include <new>

#include "graph/build.h"
#include "graph/estimate.h"
#include "graph/index_stats.h"
#include "graph/insert.h"
#include "graph/repair.h"
#include "graph/scan.h"
#include "graph/upper_walk.h"
#include "graph/vacuum.h"
#include "graph/verify.h"
#include "page/canonical.h"
#include "page/hints.h"

using namespace quiver;

// Nothing here is ever destroyed: memory goes with the caller's arena, and any
// callback may longjmp past these objects.
static_assert(std::is_trivially_destructible_v<Scan>);
static_assert(std::is_trivially_destructible_v<Build>);

struct QuiverScan : Scan {
  using Scan::Scan;
};
struct QuiverBuild : Build {
  using Build::Build;
};

const QuiverIndex* quiver_index_open(const QuiverStore* store) {
  return OpenIndex(Store(store));
}

size_t quiver_index_bytes(const QuiverIndex* index) {
  return index->bytes;
}
uint32_t quiver_index_dim(const QuiverIndex* index) {
  return index->layout.dim;
}
QuiverForm quiver_index_form(const QuiverIndex* index) {
  return index->layout.form;
}
QuiverMetric quiver_index_metric(const QuiverIndex* index) {
  return index->metric;
}
bool quiver_has_direction(const QuiverIndex* index, const QuiverValue* value) {
  return HasDirection(*index, *value);
}
bool quiver_index_stores_float32(const QuiverIndex* index) {
  return index->layout.float32;
}

void quiver_index_shape(const QuiverStore* store, const QuiverIndex* index, QuiverShape* shape) {
  const Partition partition = ReadPartition(Store(store));
  shape->dim = index->layout.dim;
  shape->node_slots = static_cast<int32_t>(index->layout.slots);
  shape->nodes_per_page = static_cast<int32_t>(index->layout.nodes_per_page);
  shape->levels = partition.entry().valid() ? partition.entry_level : -1;
  shape->list_pages = partition.list_pages;
  const NodeLayout& layout = index->layout;
  const uint32_t vector_chunks =
      layout.vector_at_home ? 0 : (layout.vector_bytes + kChunkBytes - 1) / kChunkBytes;
  shape->pages_per_node = static_cast<int32_t>(1 + vector_chunks + layout.CodeChunks());
  shape->coded = layout.codec != Codec::kNone;
}

QuiverScan* quiver_scan_begin(const QuiverStore* store, const QuiverIndex* index,
                              const QuiverScanOptions* options, QuiverScanKind kind,
                              const QuiverValue* query) {
  Allocator allocator = Store(store).MakeAllocator();
  auto* scan = new (AllocateArray<uint8_t>(&allocator, sizeof(QuiverScan)))
      QuiverScan(store, index, options);
  scan->Begin(kind == QUIVER_SCAN_NEAREST ? query : nullptr);
  return scan;
}

bool quiver_scan_next(QuiverScan* scan, QuiverRow* row) {
  return scan->Next(row);
}
const QuiverScanStats* quiver_scan_stats(const QuiverScan* scan) {
  return &scan->stats();
}
void quiver_scan_kill(QuiverScan* scan) {
  scan->Kill();
}
void quiver_scan_finish(QuiverScan* scan) {
  scan->Finish();
}

void quiver_insert(const QuiverStore* store, const QuiverIndex* index,
                   const QuiverInsertOptions* options, QuiverTid tid, const QuiverValue* value) {
  InsertRow(store, index, *options, tid, value);
}

QuiverBuild* quiver_build_begin(const QuiverStore* store, const QuiverIndexParams* params) {
  Allocator allocator = Store(store).MakeAllocator();
  return new (AllocateArray<uint8_t>(&allocator, sizeof(QuiverBuild)))
      QuiverBuild(store, *params, nullptr, 0, 1);
}
QuiverBuild* quiver_build_begin_shared(const QuiverStore* store, const QuiverIndexParams* params,
                                       const QuiverSpace* space, uint64_t memory,
                                       uint32_t participants) {
  Allocator allocator = Store(store).MakeAllocator();
  return new (AllocateArray<uint8_t>(&allocator, sizeof(QuiverBuild)))
      QuiverBuild(store, *params, space, memory, participants);
}
QuiverBuild* quiver_build_join(const QuiverStore* store, const QuiverSpace* space) {
  Allocator allocator = Store(store).MakeAllocator();
  return new (AllocateArray<uint8_t>(&allocator, sizeof(QuiverBuild))) QuiverBuild(store, space);
}
void quiver_build_add(QuiverBuild* build, QuiverTid tid, const QuiverValue* value) {
  build->Add(tid, value);
}
uint64_t quiver_build_memory(const QuiverBuild* build) {
  return build->Memory();
}
uint64_t quiver_build_rows(const QuiverBuild* build) {
  return build->rows();
}
bool quiver_build_prepare(QuiverBuild* build) {
  return build->Prepare();
}
bool quiver_build_is_bounded(const QuiverBuild* build) {
  return build->bounded();
}
uint64_t quiver_build_sort_rows(QuiverBuild* build, QuiverProgress progress,
                                void* progress_context) {
  return build->SortRows(progress, progress_context);
}
uint64_t quiver_build_link_rows(QuiverBuild* build, QuiverProgress progress,
                                void* progress_context) {
  return build->LinkRows(progress, progress_context);
}
void quiver_build_finish(QuiverBuild* build) {
  build->Finish();
}
void quiver_build_link(QuiverBuild* build, QuiverProgress progress, void* progress_context) {
  if (build->Prepare()) build->LinkRows(progress, progress_context);
  build->Finish();
}
uint32_t quiver_build_pages(const QuiverBuild* build) {
  return build->page_count();
}
void quiver_build_write(QuiverBuild* build, QuiverPageSink sink, void* sink_context) {
  build->Write(sink, sink_context);
}

bool quiver_estimate_size(const QuiverIndexParams* params, const QuiverRowsGuess* guess,
                          QuiverSizeEstimate* estimate) {
  return EstimateSize(*params, *guess, estimate);
}

void quiver_bulk_delete(const QuiverStore* store, const QuiverIndex* index, QuiverIsDead is_dead,
                        void* dead_context, void (*delay)(void), QuiverVacuumStats* stats) {
  BulkDelete(Store(store), *index, {is_dead, dead_context, delay}, stats);
}

void quiver_vacuum_cleanup(const QuiverStore* store, const QuiverIndex* index,
                           int32_t ef_construction, void (*delay)(void), QuiverVacuumStats* stats) {
  RepairGraph(Store(store), *index, ef_construction, delay, stats);
}

bool quiver_page_is_free(const uint8_t* page) {
  return IsFreePage(page);
}

void quiver_verify(const QuiverStore* store, const QuiverVerifyOptions* options) {
  VerifyIndex(store, *options);
}
bool quiver_row_stands_twice(const QuiverStore* store, QuiverTid tid, uint32_t first_block,
                             uint32_t second_block) {
  return RowStandsTwice(store, tid, first_block, second_block);
}

bool quiver_walk_upper(const QuiverStore* store, const QuiverIndex* index, uint32_t ahead,
                       QuiverVisit visit, void* visit_context) {
  return WalkUpper(Store(store), *index, ahead, visit, visit_context);
}

static_assert(static_cast<int>(PageKind::kMeta) == QUIVER_PAGE_META);
static_assert(static_cast<int>(PageKind::kChunk) == QUIVER_PAGE_CHUNK);
static_assert(static_cast<int>(Codec::kBits) == QUIVER_CODEC_BITS);
static_assert(static_cast<int>(PartitionState::kGraph) == QUIVER_STATE_GRAPH);

void quiver_index_stats(const QuiverStore* store, const QuiverIndex* index,
                        QuiverIndexStats* stats) {
  CollectStats(Store(store), *index, stats);
}

size_t quiver_page_canonical(const uint8_t* page, uint8_t* form) {
  return CanonicalForm(page, form);
}

void quiver_page_count_change(uint8_t* image, const uint8_t* page) {
  const size_t lower = PageAt<PageHeader>(image, 0)->lower;
  if (lower > kCounterOffset) return;  // damage: no page of ours is that full
  memset(image + lower, 0, kPageSpecialOffset - lower);
  *PageAt<uint64_t>(image, kCounterOffset) = PageCounter(page) + 1;
}
uint64_t quiver_page_counter(const uint8_t* page) {
  return PageCounter(page);
}
