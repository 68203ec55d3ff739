#include "graph/verify.h"

#include <algorithm>
#include <cmath>

#include "graph/verify_links.h"
#include "graph/verify_page.h"

namespace quiver {

namespace {

// A copy of the meta page, and the index that it describes but for its centre.
// False where no more can be looked at.
bool OpenToVerify(VerifyState* state, uint8_t* page) {
  const QuiverVerifyOptions& options = *state->options;
  if (state->store.BlockCount() == 0) {
    state->Error(QUIVER_INVALID_BLOCK, -1, "the file is empty");
    return false;
  }
  state->Copy(kMetaBlock, page);
  NodeLayout layout;
  const MetaFault fault = FindMetaFault(page, &layout);
  if (fault.detail != nullptr) {
    state->Error(kMetaBlock, -1, fault.detail, fault.value);
    return false;
  }
  const MetaData& meta = *Meta(static_cast<const uint8_t*>(page));
  if (meta.rotation_algorithm != kRotationAlgorithm) {
    state->Error(kMetaBlock, -1, "unknown rotation algorithm", meta.rotation_algorithm);
    return false;
  }
  if (meta.form != options.form || meta.metric != options.metric) {
    state->Error(kMetaBlock, -1, "the index was made for another operator class", meta.metric);
    return false;
  }
  if (options.dim != 0 && meta.dim != options.dim)
    state->Error(kMetaBlock, -1, "the index was made for other dimensions", meta.dim);
  if ((meta.read_compatible & ~kKnownReadCompatible) != 0)
    state->Warning(kMetaBlock, -1, "unknown feature flags allow reading only",
                   meta.read_compatible);
  if (meta.reserved[0] != 0 || meta.reserved[1] != 0 || meta.partition.reserved != 0)
    state->Warning(kMetaBlock, -1, "reserved fields are in use");
  if (meta.repair_pending > 1)
    state->Warning(kMetaBlock, -1, "whether a repair is pending is out of range",
                   meta.repair_pending);
  state->kernels = quiver_kernels();
  state->index = MakeIndex(state->allocator, meta, layout);
  return true;
}

// Reads the centre's pages into the index; codes are measured from it.
void ReadCenter(VerifyState* state, const MetaData& meta, uint8_t* page) {
  const NodeLayout& layout = state->layout();
  if (meta.center_block == QUIVER_INVALID_BLOCK) return;
  if (layout.codec != Codec::kEdge) {
    state->Warning(kMetaBlock, -1, "such an index has no centre", meta.center_block);
    return;
  }
  auto* index = const_cast<QuiverIndex*>(state->index);
  const auto blocks = static_cast<uint32_t>((layout.dim + kCenterPerPage - 1) / kCenterPerPage);
  state->has_center = false;
  if (uint64_t{meta.center_block} + blocks > state->store.BlockCount()) {
    state->Error(kMetaBlock, -1, "the centre lies beyond the end of the file", meta.center_block);
    return;
  }
  bool finite = true;
  for (uint32_t i = 0; i < blocks; i++) {
    const size_t first = i * kCenterPerPage;
    const size_t bytes = std::min(kCenterPerPage, layout.dim - first) * sizeof(float);
    state->Copy(meta.center_block + i, page);
    if (!IsPageOf(page, PageKind::kCenter)) {
      state->Error(meta.center_block + i, -1, "it is not a page of the centre");
      return;
    }
    if (PageAt<PageHeader>(page, 0)->lower != kPageHeaderBytes + bytes)
      state->Error(meta.center_block + i, -1, "a page of the centre has another length");
    memcpy(index->center() + first, page + kPageHeaderBytes, bytes);
    state->ReferTo(meta.center_block + i);
  }
  for (uint32_t i = 0; i < layout.dim; i++) finite &= std::isfinite(index->center()[i]);
  if (!finite) state->Warning(meta.center_block, -1, "the centre has a component without value");
  state->has_center = finite;
}

// Up the blocks until the file grows no more: a row that moves meanwhile moves up,
// so that none is missed.
void VerifyPages(VerifyState* state, uint8_t* page) {
  PageVerifier verifier(state);
  for (uint32_t block = kMetaBlock; block < state->store.BlockCount(); block++) {
    if (block >= state->blocks.size()) {
      const uint32_t count = state->store.BlockCount();
      state->blocks.Resize(count);
      const uint64_t numbers = uint64_t{count} * state->layout().nodes_per_page;
      state->nodes.Resize(std::min<uint64_t>(numbers, kInvalidNode));
    }
    state->Copy(block, page);
    verifier.Verify(block, page);
  }
}

uint32_t ReadRepairPending(const Store& store) {
  QuiverPin pin;
  const uint32_t pending = Meta(store.Read(kMetaBlock, &pin))->repair_pending;
  store.Release(&pin);
  return pending;
}

// While a node is emptied, the meta page says that vacuum has to repair the graph:
// otherwise its place is lost.  A repair may end between two looks, and another begin.
void VerifyRepairPending(VerifyState* state) {
  constexpr int kTries = 3;
  if (state->emptied_nodes + state->emptied_uppers == 0) return;
  if (ReadRepairPending(state->store) != 0) return;
  for (uint32_t number = 0; number < state->nodes.size(); number++) {
    if ((state->nodes[number].marks & NodeFacts::kEmptied) == 0) continue;
    for (int attempt = 0;; attempt++) {
      if (ReadRepairPending(state->store) != 0) return;
      if ((state->FactsNow(number).marks & NodeFacts::kEmptied) == 0) break;
      if (ReadRepairPending(state->store) != 0) return;
      if (attempt < kTries) continue;
      state->Warning(kMetaBlock, -1, "nodes without rows wait for a repair that is not pending",
                     state->emptied_nodes + state->emptied_uppers);
      return;
    }
  }
}

void ReportFigures(VerifyState* state) {
  state->Info("rows", state->rows);
  state->Info("bottom nodes", state->bottom_nodes);
  state->Info("bottom nodes without rows", state->emptied_nodes, state->bottom_nodes);
  state->Info("nodes of upper layers", state->upper_nodes);
  state->Info("free places for nodes", state->free_places);
  state->Info("pages of zeros", state->zero_pages, state->blocks.size());
  state->Info("free pages", state->free_pages, state->blocks.size());
}

}  // namespace

void VerifyIndex(const QuiverStore* c_store, const QuiverVerifyOptions& options) {
  Allocator allocator = Store(c_store).MakeAllocator();
  VerifyState state(c_store, &options, &allocator);
  static_assert(std::is_trivially_destructible_v<VerifyState>);
  static_assert(std::is_trivially_destructible_v<ChainVerifier>);
  static_assert(std::is_trivially_destructible_v<LinkVerifier>);
  auto* page = AllocateArray<uint8_t>(&allocator, kPageBytes);
  if (!OpenToVerify(&state, page)) return;
  const MetaData meta = *Meta(static_cast<const uint8_t*>(page));
  VerifyPages(&state, page);
  ReadCenter(&state, meta, page);
  VerifyRepairPending(&state);
  ChainVerifier chains(&state);
  chains.VerifyPartition();
  LinkVerifier links(&state, &chains);
  links.VerifyNodes();
  chains.VerifyOrphans();
  if (options.full) links.FindReached();
  ReportFigures(&state);
  links.Report();
}

namespace {

// Times a row stands on a page.
int CountRow(const uint8_t* page, const NodeLayout& layout, QuiverTid tid) {
  int count = 0;
  const auto look = [&](const PostingEntry& row) {
    count += row.tid().block == tid.block && row.offset == tid.offset ? 1 : 0;
  };
  if (!IsSoundPage(page)) return 0;
  switch (Special(page)->kind) {
    case PageKind::kNode:
      if (!IsNodePage(page, layout, PageKind::kNode)) break;
      for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
        const ConstNode node(page, layout, slot);
        for (uint32_t i = 0; node.in_use() && i < node.posting_count(); i++)
          look(node.head().postings[i]);
      }
      break;
    case PageKind::kList:
      if (!HasList(layout)) break;
      for (size_t i = 0; i < ListCount(page, layout); i++) look(ListAt(page, layout, i)->posting);
      break;
    case PageKind::kPosting:
    case PageKind::kLoose:
      for (size_t i = 0; i < PostingCount(page); i++) look(Postings(page)[i]);
      break;
    default:
      break;
  }
  return count;
}

}  // namespace

bool RowStandsTwice(const QuiverStore* c_store, QuiverTid tid, uint32_t first, uint32_t second) {
  const Store store(c_store);
  QuiverPin pin;
  NodeLayout layout;
  CheckMeta(store, store.Read(kMetaBlock, &pin), &layout);
  store.Release(&pin);
  const uint32_t lower = std::min(first, second);
  const uint32_t upper = std::max(first, second);
  if (upper >= store.BlockCount()) return false;
  // Both at once: a row that moves from one to the other does so in one record.
  QuiverPin pins[2];
  int count = CountRow(store.Read(lower, &pins[0]), layout, tid);
  if (upper != lower) {
    count += CountRow(store.Read(upper, &pins[1]), layout, tid);
    store.Release(&pins[1]);
  }
  store.Release(&pins[0]);
  return count > 1;
}

}  // namespace quiver
