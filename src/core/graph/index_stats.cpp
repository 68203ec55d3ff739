#include "graph/index_stats.h"

#include <algorithm>

#include "page/list_page.h"
#include "page/node.h"

namespace quiver {

static_assert(QUIVER_LEVELS == kMaxLevel + 1);

namespace {

class StatsCollector {
 public:
  StatsCollector(const NodeLayout& layout, Allocator* allocator, QuiverIndexStats* stats)
      : layout_(layout), stats_(stats), depths_(allocator) {}

  void MakeRoom(uint32_t blocks) {
    if (blocks > depths_.size()) depths_.Resize(blocks);
  }

  // A page, locked for reading.
  void Add(uint32_t block, const uint8_t* page) {
    if (IsNewPage(page)) {
      stats_->zero_pages++;
      return;
    }
    const PageKind kind = Special(page)->kind;
    stats_->pages[static_cast<size_t>(kind)]++;
    switch (kind) {
      case PageKind::kNode:
      case PageKind::kUpper:
        for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++)
          AddNode(ConstNode(page, layout_, slot));
        break;
      case PageKind::kList:
        if (HasList(layout_)) stats_->list_rows += ListCount(page, layout_);
        break;
      case PageKind::kPosting:
        stats_->node_rows += PostingCount(page);
        Deepen(Special(page)->next, depths_[block]);
        break;
      case PageKind::kLoose:
        AddLoose(page);
        break;
      default:
        break;
    }
  }

 private:
  void AddNode(const ConstNode& node) {
    if (!node.in_use()) {
      stats_->free_places++;
      return;
    }
    stats_->nodes[std::min<uint32_t>(node.head().level, kMaxLevel)]++;
    if (node.head().level > 0) return;
    if ((node.head().flags & kNodeEmptied) != 0) stats_->emptied_nodes++;
    stats_->node_rows += node.posting_count();
    Deepen(node.head().posting_head, 0);
    const uint32_t degree = node.slot_count();
    const bool first = stats_->nodes[0] == 1;
    stats_->least_degree = first ? degree : std::min(stats_->least_degree, degree);
    stats_->most_degree = std::max(stats_->most_degree, degree);
    stats_->edges += degree;
    if (degree == layout_.slots) stats_->full_lists++;
    for (uint32_t i = 0; i < degree; i++) stats_->dominated_edges += node.dominated(i) ? 1 : 0;
  }

  void AddLoose(const uint8_t* page) {
    const size_t count = PostingCount(page);
    for (size_t i = 0; i < count; i++)
      (Postings(page)[i].flags == kPostingNan ? stats_->nan_rows : stats_->null_rows)++;
  }

  // Chains ascend, so that one pass up the blocks counts their pages.
  void Deepen(uint32_t next, uint32_t before) {
    if (next >= depths_.size()) return;
    depths_[next] = before + 1;
    stats_->longest_chain = std::max(stats_->longest_chain, before + 1);
  }

  const NodeLayout& layout_;
  QuiverIndexStats* stats_;
  ArenaVector<uint32_t> depths_;  // of posting pages in their chain, from 1
};

void CopyMeta(const Store& store, QuiverIndexStats* stats) {
  NodeLayout layout;
  QuiverPin pin;
  const uint8_t* page = store.Read(kMetaBlock, &pin);
  CheckMeta(store, page, &layout);
  const MetaData& meta = *Meta(page);
  stats->format_version = meta.format_version;
  stats->creator_version = meta.creator_version;
  stats->compatible = meta.compatible;
  stats->read_compatible = meta.read_compatible;
  stats->incompatible = meta.incompatible;
  stats->m = meta.m;
  stats->ef_construction = meta.ef_construction;
  stats->list_limit = meta.list_limit;
  stats->repair_pending = meta.repair_pending;
  stats->state = static_cast<QuiverState>(meta.partition.state);
  stats->levels = meta.partition.entry().valid() ? meta.partition.entry_level : -1;
  stats->codec = static_cast<QuiverCodec>(layout.codec);
  stats->code_bits = layout.bits;
  stats->slots = layout.slots;
  stats->nodes_per_page = layout.nodes_per_page;
  store.Release(&pin);
}

}  // namespace

void CollectStats(const Store& store, const QuiverIndex& index, QuiverIndexStats* stats) {
  static_assert(std::is_trivially_destructible_v<StatsCollector>);
  Allocator allocator = store.MakeAllocator();
  *stats = {};
  CopyMeta(store, stats);
  StatsCollector collector(index.layout, &allocator, stats);
  for (uint32_t block = kMetaBlock; block < store.BlockCount(); block++) {
    store.Poll();
    if (block >= stats->blocks) {
      stats->blocks = store.BlockCount();
      collector.MakeRoom(stats->blocks);
    }
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    CheckReadable(store, page, index.layout, block);
    collector.Add(block, page);
    store.Release(&pin);
  }
}

}  // namespace quiver
