#include "graph/trim.h"

#include <algorithm>

#include "graph/vacuum.h"

namespace quiver {

namespace {

class Trimmer {
 public:
  Trimmer(const Store& store, const NodeLayout& layout, void (*delay)(), QuiverVacuumStats* stats)
      : store_(store), layout_(layout), delay_(delay), stats_(stats) {}

  // Nobody else takes pages out, and new ones come at the end: so the walk may hold
  // one page at a time, and what precedes an empty page is still what it was.
  void TrimNode(uint32_t number) {
    const uint32_t node_block = layout_.BlockOf(number);
    if (node_block >= store_.BlockCount()) return;
    QuiverPin pin;
    const uint8_t* page = store_.Read(node_block, &pin);
    const ConstNode node(page, layout_, layout_.SlotOf(number));
    const bool there = IsNodePage(page, layout_, PageKind::kNode) && node.in_use();
    const uint32_t generation = node.head().generation;
    // Rows join them only where there is no chain.
    const uint32_t inline_rows = node.posting_count();
    uint32_t block = there ? node.head().posting_head : QUIVER_INVALID_BLOCK;
    store_.Release(&pin);

    uint32_t before = QUIVER_INVALID_BLOCK;
    uint32_t below = node_block;
    while (block != QUIVER_INVALID_BLOCK) {
      Pause();
      if (block <= below || block >= store_.BlockCount())
        store_.Corrupted(block, "a node's chain of rows leaves the file or does not ascend");
      page = store_.Read(block, &pin);
      if (!IsPostingPageOf(page, number, generation))
        store_.Corrupted(block, "it is not a page of a node's rows");
      const bool empty = PostingCount(page) == 0;
      const uint32_t next = Special(page)->next;
      store_.Release(&pin);
      below = block;
      if (empty && inline_rows == 0 && before == QUIVER_INVALID_BLOCK &&
          next == QUIVER_INVALID_BLOCK)
        SetRepairPending(store_, true);
      if (!empty || !TakeOffPosting(number, generation, before, block)) before = block;
      block = next;
    }
  }

  void TrimLoose() {
    uint32_t before = QUIVER_INVALID_BLOCK;
    uint32_t below = kMetaBlock;
    uint32_t block = ReadPartition(store_).loose_head;
    while (block != QUIVER_INVALID_BLOCK) {
      Pause();
      if (block <= below || block >= store_.BlockCount())
        store_.Corrupted(block,
                         "the chain of rows without a distance leaves the file or does not ascend");
      QuiverPin pin;
      const uint8_t* page = store_.Read(block, &pin);
      if (!IsPageOf(page, PageKind::kLoose))
        store_.Corrupted(block, "it is not a page of rows without a distance");
      const bool empty = PostingCount(page) == 0;
      const uint32_t next = Special(page)->next;
      store_.Release(&pin);
      below = block;
      if (!empty || next == QUIVER_INVALID_BLOCK || !TakeOffLoose(before, block)) before = block;
      block = next;
    }
  }

 private:
  void Pause() {
    store_.Poll();
    if (delay_ != nullptr) delay_();
  }

  // Takes `block`, which follows `before` or the node's head, out of the node's chain;
  // false where it has a row after all.  A chain's only page may be the last that a node
  // without rows in its head has: SetRepairPending came before.
  bool TakeOffPosting(uint32_t number, uint32_t generation, uint32_t before, uint32_t block) {
    const uint32_t slot = layout_.SlotOf(number);
    QuiverPin node_pin;
    QuiverPin before_pin;
    QuiverPin pin;
    const ConstNode node(store_.Lock(layout_.BlockOf(number), &node_pin), layout_, slot);
    const uint8_t* previous =
        before == QUIVER_INVALID_BLOCK ? nullptr : store_.Lock(before, &before_pin);
    const uint8_t* page = store_.Lock(block, &pin);
    const bool sound = node.in_use() && node.head().generation == generation &&
                       IsPostingPageOf(page, number, generation) &&
                       (previous != nullptr ? IsPostingPageOf(previous, number, generation) &&
                                                  Special(previous)->next == block
                                            : node.head().posting_head == block);
    const uint32_t next = Special(page)->next;
    const bool take = sound && PostingCount(page) == 0 && next > block;
    if (take) {
      store_.Begin();
      if (previous != nullptr) Special(store_.Edit(&before_pin))->next = next;
      if (previous == nullptr || next == QUIVER_INVALID_BLOCK) {
        NodeHead& head = Node(store_.Edit(&node_pin), layout_, slot).head();
        if (previous == nullptr) head.posting_head = next;
        if (next == QUIVER_INVALID_BLOCK) head.posting_tail = before;
        if (head.posting_head == QUIVER_INVALID_BLOCK && head.posting_count == 0) {
          head.flags |= kNodeEmptied;
          stats_->emptied++;
        }
      }
      InitPage(store_.Edit(&pin), PageKind::kFree, 0);
      store_.Commit();
    }
    store_.Release(&pin);
    if (previous != nullptr) store_.Release(&before_pin);
    store_.Release(&node_pin);
    if (take) Freed(block);
    return take;
  }

  // The same for the loose rows' chain, under the meta page's lock, as it grows.
  bool TakeOffLoose(uint32_t before, uint32_t block) {
    QuiverPin meta;
    QuiverPin before_pin;
    QuiverPin pin;
    const Partition partition = Meta(store_.Lock(kMetaBlock, &meta))->partition;
    const uint8_t* previous =
        before == QUIVER_INVALID_BLOCK ? nullptr : store_.Lock(before, &before_pin);
    const uint8_t* page = store_.Lock(block, &pin);
    const uint32_t next = Special(page)->next;
    const bool take =
        IsPageOf(page, PageKind::kLoose) && PostingCount(page) == 0 &&
        partition.loose_tail != block && next != QUIVER_INVALID_BLOCK && next > block &&
        (previous != nullptr
             ? IsPageOf(previous, PageKind::kLoose) && Special(previous)->next == block
             : partition.loose_head == block);
    if (take) {
      store_.Begin();
      if (previous != nullptr)
        Special(store_.Edit(&before_pin))->next = next;
      else
        Meta(store_.Edit(&meta))->partition.loose_head = next;
      InitPage(store_.Edit(&pin), PageKind::kFree, 0);
      store_.Commit();
    }
    store_.Release(&pin);
    if (previous != nullptr) store_.Release(&before_pin);
    store_.Release(&meta);
    if (take) Freed(block);
    return take;
  }

  void Freed(uint32_t block) {
    stats_->freed_pages++;
    store_.NoteFree(block);
  }

  const Store& store_;
  const NodeLayout& layout_;
  void (*delay_)();
  QuiverVacuumStats* stats_;
};

}  // namespace

void TrimChains(const Store& store, const QuiverIndex& index, EmptyPages* empty, void (*delay)(),
                QuiverVacuumStats* stats) {
  Trimmer trimmer(store, index.layout, delay, stats);
  // Pages of several chains may lie between each other.
  ArenaVector<uint32_t>& nodes = empty->nodes();
  std::sort(nodes.begin(), nodes.end());
  const uint32_t* end = std::unique(nodes.begin(), nodes.end());
  for (const uint32_t* number = nodes.begin(); number != end; number++) trimmer.TrimNode(*number);
  if (empty->loose()) trimmer.TrimLoose();
}

}  // namespace quiver
