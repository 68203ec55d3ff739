#include "graph/upper_walk.h"

#include <algorithm>

#include "base/bits.h"

namespace quiver {

namespace {

class UpperWalk {
 public:
  UpperWalk(const Store& store, const QuiverIndex& index)
      : store_(store),
        layout_(index.layout),
        allocator_(store.MakeAllocator()),
        seen_(&allocator_),
        round_(&allocator_),
        next_(&allocator_) {
    blocks_ = store.BlockCount();
    seen_.Resize(DivideUp(blocks_, 64));
  }

  bool Run(uint32_t ahead, QuiverVisit visit, void* visit_context) {
    Want(kMetaBlock);
    while (!next_.empty()) {
      std::swap(round_, next_);
      next_.Clear();
      std::sort(round_.begin(), round_.end());
      for (size_t i = 0; i < std::min<size_t>(ahead, round_.size()); i++) Prefetch(i);
      for (size_t i = 0; i < round_.size(); i++) {
        store_.Poll();
        if (ahead > 0 && round_.size() - i > ahead) Prefetch(i + ahead);
        Read(round_[i]);
        if (!visit(visit_context, round_[i])) return false;
      }
    }
    return true;
  }

 private:
  void Prefetch(size_t i) { store_.Prefetch(round_[i], 0, kPageBytes); }

  void Want(uint32_t block) {
    if (block >= blocks_ || TestBit(seen_.data(), block)) return;
    SetBit(seen_.data(), block);
    next_.PushBack(block);
  }

  void Read(uint32_t block) {
    QuiverPin pin;
    const uint8_t* page = store_.Read(block, &pin);
    CheckReadable(store_, page, layout_, block);
    if (block == kMetaBlock) {
      NodeLayout layout;
      CheckMeta(store_, page, &layout);
      Follow(*Meta(page));
    } else if (IsPageOf(page, PageKind::kUpper)) {
      for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++)
        Follow(ConstNode(page, layout_, slot));
    } else if (IsPageOf(page, PageKind::kChunk) || IsPageOf(page, PageKind::kList)) {
      // Parts of an upper node; a chain ends by QUIVER_INVALID_BLOCK, which is past the end.
      Want(Special(page)->next);
    }
    store_.Release(&pin);
  }

  void Follow(const MetaData& meta) {
    if (meta.center_block != QUIVER_INVALID_BLOCK)
      for (size_t i = 0; i < DivideUp(layout_.dim, kCenterPerPage); i++)
        Want(meta.center_block + static_cast<uint32_t>(i));
    Want(meta.partition.list_head);
    if (meta.partition.entry().valid()) Want(layout_.BlockOf(meta.partition.entry_number));
  }

  // Only what lies in upper layers: the node below one of layer 1 is a bottom node.
  void Follow(const ConstNode& node) {
    if (!node.in_use()) return;
    for (uint32_t i = 0; i < node.slot_count(); i++) Want(layout_.BlockOf(node.numbers()[i]));
    if (node.head().level > 1 && node.down().valid()) Want(layout_.BlockOf(node.down().number));
    if (node.has_chunks()) Want(node.head().chunk_head);
  }

  const Store store_;
  const NodeLayout& layout_;
  Allocator allocator_;
  uint32_t blocks_;
  ArenaVector<uint64_t> seen_;  // a bit a block: wanted or read
  ArenaVector<uint32_t> round_;
  ArenaVector<uint32_t> next_;
};

}  // namespace

bool WalkUpper(const Store& store, const QuiverIndex& index, uint32_t ahead, QuiverVisit visit,
               void* visit_context) {
  static_assert(std::is_trivially_destructible_v<UpperWalk>);
  UpperWalk walk(store, index);
  return walk.Run(ahead, visit, visit_context);
}

}  // namespace quiver
