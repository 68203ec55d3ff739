#include "graph/verify_page.h"

#include <algorithm>

#include "graph/room.h"
#include "graph/verify_vector.h"

namespace quiver {

namespace {

bool IsZero(const void* bytes, size_t count) {
  const auto* all = static_cast<const uint8_t*>(bytes);
  return std::all_of(all, all + count, [](uint8_t byte) { return byte == 0; });
}

size_t DataBytes(const uint8_t* page) {
  return PageAt<PageHeader>(page, 0)->lower - kPageHeaderBytes;
}

bool IsOfNodes(PageKind kind) {
  return kind == PageKind::kNode || kind == PageKind::kUpper;
}

bool MayHaveNext(const PageSpecial& special) {
  switch (special.kind) {
    case PageKind::kList:
    case PageKind::kPosting:
    case PageKind::kLoose:
    case PageKind::kChunk:
      return true;
    default:
      return IsOfNodes(special.kind) && (special.flags & kInRoomChain) != 0;
  }
}

}  // namespace

void PageVerifier::Verify(uint32_t block, const uint8_t* page) {
  BlockFacts& facts = state_->blocks[block];
  facts = {BlockFacts::kDamaged, false, false};
  if (IsNewPage(page)) {
    if (!IsZero(page, kPageBytes)) {
      state_->Error(block, -1, "a page without a header is not empty");
      return;
    }
    facts.kind = BlockFacts::kZero;
    state_->zero_pages++;
    return;
  }
  if (!IsSoundPage(page) || PageAt<PageHeader>(page, 0)->size_version != (kPageBytes | 4)) {
    state_->Error(block, -1, "the page header or its special space is damaged");
    return;
  }
  const PageHeader& header = *PageAt<PageHeader>(page, 0);
  if (header.flags != 0 || header.prune_xid != 0)
    state_->Warning(block, -1, "fields of the page header that must be 0 are in use", header.flags);
  const PageSpecial& special = *Special(page);
  const uint8_t known = IsOfNodes(special.kind) ? kInRoomChain : 0;
  if ((special.flags & ~known) != 0)
    state_->Warning(block, -1, "the page has unknown flags", special.flags);
  if (special.next != QUIVER_INVALID_BLOCK && !MayHaveNext(special))
    state_->Warning(block, -1, "a page without a chain names a next one", special.next);
  // These have had no other kind before.
  if ((special.kind == PageKind::kMeta || special.kind == PageKind::kCenter ||
       special.kind == PageKind::kList) &&
      special.generation != 0)
    state_->Warning(block, -1, "a page that never had nodes has given a generation",
                    special.generation);
  if (!HasSoundBounds(block, page)) return;
  facts.kind = static_cast<uint8_t>(special.kind);
  facts.has_room = (special.flags & known) != 0;
  switch (special.kind) {
    case PageKind::kNode:
      VerifyNodes(block, page, false);
      break;
    case PageKind::kUpper:
      VerifyNodes(block, page, true);
      break;
    case PageKind::kList:
      VerifyList(block, page);
      break;
    case PageKind::kPosting:
      VerifyRows(block, page, false);
      break;
    case PageKind::kLoose:
      VerifyRows(block, page, true);
      break;
    case PageKind::kFree:
      state_->free_pages++;
      break;
    case PageKind::kMeta:
    case PageKind::kCenter:
    case PageKind::kChunk:
      break;
  }
}

// pd_lower is where the kind of page has it, and the kind belongs here.
bool PageVerifier::HasSoundBounds(uint32_t block, const uint8_t* page) {
  const NodeLayout& layout = state_->layout();
  const size_t bytes = DataBytes(page);
  bool sound = true;
  switch (Special(page)->kind) {
    case PageKind::kMeta:
      sound = bytes == sizeof(MetaData);
      if (block != kMetaBlock) {
        state_->Error(block, -1, "a second meta page");
        return false;
      }
      break;
    case PageKind::kCenter:
      sound = bytes % sizeof(float) == 0 && bytes <= kCenterPerPage * sizeof(float);
      break;
    case PageKind::kNode:
    case PageKind::kUpper:
      sound = bytes == NodePageBytes(layout);
      break;
    case PageKind::kList:
      if (!HasList(layout)) {
        state_->Error(block, -1, "such an index has no list");
        return false;
      }
      sound = bytes % ListEntryBytes(layout) == 0 &&
              bytes / ListEntryBytes(layout) <= ListEntriesPerPage(layout);
      break;
    case PageKind::kPosting:
    case PageKind::kLoose:
      sound = bytes >= sizeof(PostingHead) &&
              (bytes - sizeof(PostingHead)) % sizeof(PostingEntry) == 0 &&
              (bytes - sizeof(PostingHead)) / sizeof(PostingEntry) <= kPostingsPerPage;
      break;
    case PageKind::kFree:
      sound = bytes == 0;
      break;
    case PageKind::kChunk:
      sound = bytes >= sizeof(ChunkHead) && bytes <= sizeof(ChunkHead) + kChunkBytes;
      break;
  }
  if (!sound) state_->Error(block, -1, "the end of the page's data is not where it must be", bytes);
  return sound;
}

void PageVerifier::VerifyNodes(uint32_t block, const uint8_t* page, bool upper) {
  const NodeLayout& layout = state_->layout();
  if (uint64_t{block} + 1 > kInvalidNode / layout.nodes_per_page) {
    state_->Error(block, -1, "a page of nodes lies where no node has a number");
    return;
  }
  for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
    const ConstNode node(page, layout, slot);
    state_->nodes[layout.NumberOf(block, slot)] = VerifyState::FactsOf(node);
    VerifyHead(block, slot, node, upper, Special(page)->generation);
    if (!node.in_use()) continue;
    for (uint32_t before = 0; before < slot; before++) {
      const ConstNode other(page, layout, before);
      if (other.in_use() && other.head().generation == node.head().generation)
        state_->Warning(block, static_cast<int>(slot), "two nodes of a page have one generation",
                        node.head().generation);
    }
  }
  VerifyCounter(block, page);
}

// The page's counter is the generation of the node that came last.  That node is still
// there where no place is free; and where no free place has ever been used, which its
// bytes tell.  (A vector of zeros that never had a neighbour leaves none behind.  A few
// of those may have come and gone.)
void PageVerifier::VerifyCounter(uint32_t block, const uint8_t* page) {
  constexpr uint32_t kTraceless = 16;
  const NodeLayout& layout = state_->layout();
  uint32_t newest = 0;
  uint32_t free_places = 0;
  for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
    const ConstNode node(page, layout, slot);
    if (node.in_use())
      newest = std::max(newest, node.head().generation);
    else if (IsZero(node.bytes(), layout.node_bytes))
      free_places++;
    else
      return;
  }
  const uint32_t counter = Special(page)->generation;
  if (newest == 0 || newest >= counter) return;
  if (free_places == 0 || counter - newest > kTraceless)
    state_->Warning(block, -1, "the page's counter is not the generation of its newest node",
                    counter);
}

// A place that was freed may keep the chunk pages of its node for the next one.
void PageVerifier::VerifyFreePlace(uint32_t block, int item, const NodeHead& head) {
  state_->free_places++;
  NodeHead rest = head;
  if (KeepsChunks(state_->layout())) rest.chunk_head = 0;
  if (!IsZero(&rest, sizeof rest)) state_->Error(block, item, "a node is not in use", head.flags);
}

void PageVerifier::VerifyHead(uint32_t block, uint32_t slot, const ConstNode& node, bool upper,
                              uint32_t counter) {
  const NodeLayout& layout = state_->layout();
  const NodeHead& head = node.head();
  const int item = static_cast<int>(slot);
  if (!node.in_use()) {
    VerifyFreePlace(block, item, head);
    return;
  }
  (upper ? state_->upper_nodes : state_->bottom_nodes)++;
  if ((head.flags & ~(kNodeInUse | kNodeEmptied)) != 0)
    state_->Error(block, item, "a node has unknown flags", head.flags);
  if (upper ? head.level < 1 || head.level > kMaxLevel : head.level != 0)
    state_->Error(block, item, "a node's level is not one of its page", head.level);
  if (head.generation < 1 || head.generation > counter)
    state_->Error(block, item, "a node's generation is not one that its page has given",
                  head.generation);
  if (head.slot_count > layout.slots)
    state_->Warning(block, item, "a node has more neighbours than places for them",
                    head.slot_count);
  VerifyRowsOfHead(block, item, head, upper);

  const bool coded = layout.codec == Codec::kEdge;
  if (coded ? !IsScale(head.f_scale) || !IsScale(head.g_scale)
            : head.f_scale != 1 || head.g_scale != 1)
    state_->Warning(block, item, "a scale of a node's edges cannot be");
  const NodePointer none;
  if (!upper && (head.down_number != none.number || head.down_generation != none.generation))
    state_->Warning(block, item, "a node of the bottom layer points down", head.down_number);
  const bool chunked = PartCount(node, layout) > 0;
  if (chunked != (head.chunk_head != QUIVER_INVALID_BLOCK))
    state_->Error(block, item, "a node's chain of parts is not what its size asks for",
                  head.chunk_head);
  VerifyVector(block, item, VectorOf(node), node.vector_at_home());
}

void PageVerifier::VerifyRowsOfHead(uint32_t block, int item, const NodeHead& head, bool upper) {
  const bool has_chain = head.posting_head != QUIVER_INVALID_BLOCK;
  const bool has_rows = head.posting_count > 0 || has_chain;
  if (head.posting_count > kInlinePostings)
    state_->Error(block, item, "a node has more rows than places for them", head.posting_count);
  if (has_chain != (head.posting_tail != QUIVER_INVALID_BLOCK))
    state_->Error(block, item, "a node's chain of rows has only one end", head.posting_tail);
  const bool emptied = (head.flags & kNodeEmptied) != 0;
  if (emptied) (upper ? state_->emptied_uppers : state_->emptied_nodes)++;
  if (upper) {
    if (has_rows || !IsZero(head.postings, sizeof head.postings))
      state_->Error(block, item, "a node of an upper layer has rows");
    return;
  }
  if (emptied && has_rows) state_->Error(block, item, "a node with rows is marked emptied");
  if (!emptied && !has_rows) state_->Warning(block, item, "a node without rows is not marked");
  const uint32_t count = std::min<uint32_t>(head.posting_count, kInlinePostings);
  for (uint32_t i = 0; i < count; i++) VerifyRow(block, item, head.postings[i], false);
  if (!IsZero(head.postings + count, (kInlinePostings - count) * sizeof(PostingEntry)))
    state_->Error(block, item, "a row stands where a node has none");
}

void PageVerifier::VerifyList(uint32_t block, const uint8_t* page) {
  const NodeLayout& layout = state_->layout();
  for (size_t i = 0; i < ListCount(page, layout); i++) {
    const ListEntry& entry = *ListAt(page, layout, i);
    const int item = static_cast<int>(i);
    if (entry.reserved != 0)
      state_->Error(block, item, "a list entry has unknown flags", entry.reserved);
    VerifyVector(block, item, {entry.vector(), entry.scale, entry.entries, entry.hash}, true);
    VerifyRow(block, item, entry.posting, false);
  }
}

void PageVerifier::VerifyRows(uint32_t block, const uint8_t* page, bool loose) {
  const PostingHead& head = *PostingHeadOf(page);
  if (head.reserved != 0 ||
      (loose ? head.number != 0 || head.generation != 0
             : head.generation == 0 || state_->layout().BlockOf(head.number) >= block))
    state_->Error(block, -1, "a page of rows belongs to a node that cannot be", head.number);
  for (size_t i = 0; i < PostingCount(page); i++)
    VerifyRow(block, static_cast<int>(i), Postings(page)[i], loose);
}

void PageVerifier::VerifyRow(uint32_t block, int item, PostingEntry row, bool loose) {
  state_->rows++;
  if (row.offset == 0 || row.tid().block == QUIVER_INVALID_BLOCK) {
    state_->Error(block, item, "a row has no address");
    return;
  }
  const bool may_be_nan = loose && state_->index->metric == QUIVER_METRIC_COSINE;
  if (loose ? row.flags != kPostingNull && (row.flags != kPostingNan || !may_be_nan)
            : row.flags != 0)
    state_->Error(block, item, "a row has flags that it cannot have here", row.flags);
  const QuiverVerifyOptions& options = *state_->options;
  if (options.row != nullptr) options.row(options.context, row.tid(), block, item);
}

void PageVerifier::VerifyVector(uint32_t block, int item, const StoredVector& stored,
                                bool at_home) {
  const char* fault = VectorHeadFault(*state_->index, stored);
  if (fault == nullptr && at_home) fault = VectorFault(*state_->index, stored);
  if (fault != nullptr) state_->Error(block, item, fault);
}

}  // namespace quiver
