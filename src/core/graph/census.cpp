#include "graph/census.h"

#include <algorithm>

namespace quiver {

Census::Census(const GraphContext& context)
    : context_(&context),
      missing_(context.allocator),
      room_(context.allocator),
      chunks_(context.allocator),
      uppers_(context.allocator) {}

void Census::Count(uint32_t block) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  // Room for a page of them, before the lock.
  uppers_.Reserve(uppers_.size() + layout.nodes_per_page > uppers_.capacity()
                      ? 2 * uppers_.capacity() + layout.nodes_per_page
                      : 0);
  QuiverPin pin;
  const uint8_t* page = store.Read(block, &pin);
  CheckReadable(store, page, layout, block);
  const bool upper = IsPageOf(page, PageKind::kUpper);
  const bool nodes = upper || IsPageOf(page, PageKind::kNode);
  if (IsPageOf(page, PageKind::kChunk)) Set(&chunks_, block);
  for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
    const ConstNode node(page, layout, slot);
    const uint32_t number = layout.NumberOf(block, slot);
    if (!nodes || !node.in_use()) {
      Set(&missing_, number);
      if (nodes) Set(&room_, block);
      continue;
    }
    if (upper) {
      uppers_.PushBack({number, node.pointer_generation(), node.head().level, node.down()});
    } else if ((node.head().flags & kNodeEmptied) != 0) {
      Set(&missing_, number);
      Set(&room_, block);
    } else if (!highest_.valid()) {
      highest_ = {number, node.pointer_generation()};
    }
  }
  store.Release(&pin);
}

void Census::SortUppers() {
  std::sort(uppers_.begin(), uppers_.end(), [](const Upper& a, const Upper& b) {
    return a.level != b.level ? a.level < b.level : a.number < b.number;
  });
}

// Layers are judged from below, so that what a node points down to has been judged.
void Census::Judge(const Upper& upper) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  QuiverPin pin;
  bool living = false;
  const uint32_t below = upper.down.valid() ? layout.BlockOf(upper.down.number) : kMetaBlock;
  if (upper.level > 0 && below != kMetaBlock && below < store.BlockCount()) {
    living = IsLiving(store.Read(below, &pin), layout, upper.down, upper.level - 1);
    store.Release(&pin);
  }
  if (living) {
    if (upper.level > highest_level_) {
      highest_ = upper.pointer();
      highest_level_ = upper.level;
    }
    return;
  }
  Set(&missing_, upper.number);
  Set(&room_, layout.BlockOf(upper.number));
  const uint8_t* page = store.Lock(layout.BlockOf(upper.number), &pin);
  if (IsLiving(page, layout, upper.pointer(), upper.level)) {
    store.Begin();
    Node(store.Edit(&pin), layout, layout.SlotOf(upper.number)).head().flags |= kNodeEmptied;
    store.Commit();
  }
  store.Release(&pin);
}

}  // namespace quiver
