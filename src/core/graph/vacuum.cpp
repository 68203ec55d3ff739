#include "graph/vacuum.h"

#include "graph/trim.h"
#include "page/list_page.h"

namespace quiver {

namespace {

bool IsDead(const DeadRows& dead, PostingEntry posting) {
  return posting.offset != 0 && dead.is_dead(dead.context, posting.tid());
}

// Looks at a locked page's rows, each once; the first change opens a record, and
// image_ is the edited page from then on.
class PageCleaner {
 public:
  PageCleaner(const Store& store, const QuiverIndex& index, const DeadRows& dead,
              QuiverVacuumStats* stats, EmptyPages* empty)
      : store_(store), layout_(index.layout), dead_(dead), stats_(stats), empty_(empty) {}

  // True where the locked page has a node that would lose its last row.
  bool WouldEmpty(const uint8_t* page) const {
    if (!IsNodePage(page, layout_, PageKind::kNode)) return false;
    for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++) {
      const ConstNode node(page, layout_, slot);
      const NodeHead& head = node.head();
      if (!node.in_use() || node.posting_count() == 0 || head.posting_head != QUIVER_INVALID_BLOCK)
        continue;
      uint32_t dead = 0;
      for (uint32_t i = 0; i < node.posting_count(); i++)
        dead += IsDead(dead_, head.postings[i]) ? 1 : 0;
      if (dead == node.posting_count()) return true;
    }
    return false;
  }

  void Clean(const uint8_t* page, QuiverPin* pin) {
    image_ = nullptr;
    switch (Special(page)->kind) {
      case PageKind::kNode:
        CleanNodes(page, pin);
        break;
      case PageKind::kList:
        CleanList(page, pin);
        break;
      case PageKind::kPosting:
      case PageKind::kLoose:
        CleanPostings(page, pin);
        break;
      default:
        break;
    }
    if (image_ != nullptr) store_.Commit();
  }

 private:
  uint8_t* Edit(QuiverPin* pin) {
    if (image_ == nullptr) {
      store_.Begin();
      image_ = store_.Edit(pin);
    }
    return image_;
  }

  void CleanNodes(const uint8_t* page, QuiverPin* pin) {
    for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++) {
      const ConstNode node(page, layout_, slot);
      if (!node.in_use()) continue;
      PostingEntry kept[kInlinePostings] = {};
      uint8_t count = 0;
      const uint32_t before = node.posting_count();
      for (uint32_t i = 0; i < before; i++)
        if (!IsDead(dead_, node.head().postings[i])) kept[count++] = node.head().postings[i];
      stats_->remaining += count;
      if (count == before) continue;
      stats_->removed += before - count;
      NodeHead& head = Node(Edit(pin), layout_, slot).head();
      memcpy(head.postings, kept, sizeof kept);
      head.posting_count = count;
      if (count == 0 && head.posting_head == QUIVER_INVALID_BLOCK) {
        head.flags |= kNodeEmptied;
        stats_->emptied++;
      }
    }
  }

  void CleanList(const uint8_t* page, QuiverPin* pin) {
    // From the end, so that closing a gap moves no row not yet looked at.
    for (size_t i = ListCount(page, layout_); i-- > 0;) {
      if (!IsDead(dead_, ListAt(page, layout_, i)->posting)) {
        stats_->remaining++;
        continue;
      }
      stats_->removed++;
      RemoveListEntry(Edit(pin), layout_, i);
    }
  }

  void CleanPostings(const uint8_t* page, QuiverPin* pin) {
    const size_t before = PostingCount(page);
    size_t count = 0;
    for (size_t i = 0; i < before; i++) {
      const PostingEntry posting = Postings(page)[i];
      if (IsDead(dead_, posting)) {
        Edit(pin);
        continue;
      }
      if (image_ != nullptr) Postings(image_)[count] = posting;
      count++;
    }
    stats_->removed += before - count;
    stats_->remaining += count;
    if (image_ != nullptr) SetPostingCount(image_, count);
    if (count == 0) empty_->Note(page);
  }

  const Store& store_;
  const NodeLayout& layout_;
  const DeadRows& dead_;
  QuiverVacuumStats* stats_;
  EmptyPages* empty_;
  uint8_t* image_ = nullptr;
};

}  // namespace

void SetRepairPending(const Store& store, bool pending) {
  QuiverPin pin;
  const uint32_t before = Meta(store.Lock(kMetaBlock, &pin))->repair_pending;
  if ((before != 0) != pending) {
    store.Begin();
    Meta(store.Edit(&pin))->repair_pending = pending ? 1 : 0;
    store.Commit();
  }
  store.Release(&pin);
}

void BulkDelete(const Store& store, const QuiverIndex& index, const DeadRows& dead,
                QuiverVacuumStats* stats) {
  CheckWritable(store, index);
  Allocator allocator = store.MakeAllocator();
  EmptyPages empty(&allocator);
  PageCleaner cleaner(store, index, dead, stats, &empty);
  bool pending = false;
  // Up the blocks until the file grows no more: a row that moves meanwhile moves
  // up, so none is missed.
  for (uint32_t block = kMetaBlock + 1; block < store.BlockCount(); block++) {
    store.Poll();
    if (dead.delay != nullptr) dead.delay();
    empty.MakeRoom();
    QuiverPin pin;
    const uint8_t* page = store.Lock(block, &pin);
    stats->pages++;
    if (!pending && cleaner.WouldEmpty(page)) {
      // The meta page comes first, in the order of locks and in that of records.
      store.Release(&pin);
      SetRepairPending(store, true);
      pending = true;
      page = store.Lock(block, &pin);
    }
    const bool free = IsFreePage(page);
    if (!IsNewPage(page)) {
      if (!IsSoundPage(page)) store.Corrupted(block, "the page header is damaged");
      cleaner.Clean(page, &pin);
    }
    store.Release(&pin);
    // The map of free pages does not outlive a crash.
    if (free) store.NoteFree(block);
  }
  TrimChains(store, index, &empty, dead.delay, stats);
}

}  // namespace quiver
