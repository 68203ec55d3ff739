// What the parts of the verifier share: the index, what is known of each page and
// node, where findings go.
//
// Every page is copied under its lock and looked at without it.  What is known is
// therefore of many moments: a contradiction between two pages is looked at again
// before it is reported.
#ifndef QUIVER_GRAPH_VERIFY_STATE_H
#define QUIVER_GRAPH_VERIFY_STATE_H

#include "graph/node_reader.h"

namespace quiver {

// Of a block, when the first pass read it.
struct BlockFacts {
  enum : uint8_t { kZero = 0, kDamaged = 0xFF };
  uint8_t kind;          // PageKind, or one of these
  bool referred_to : 1;  // from the meta page, a node or its chain
  bool has_room : 1;     // says that it is in its chain of pages with room
};

static_assert(sizeof(BlockFacts) == 2);

// Of a node number, when the first pass read its page; all zero: none is there.
struct NodeFacts {
  enum Marks : uint8_t { kInUse = 1, kEmptied = 2, kPointedTo = 4, kReached = 8 };
  uint16_t generation;  // 15 bits
  uint8_t level;
  uint8_t marks;

  bool is(NodePointer pointer) const {
    return (marks & kInUse) != 0 && generation == pointer.generation;
  }
};
static_assert(sizeof(NodeFacts) == 4);

// A contradiction that is not reported yet; text is null where there is none.
struct Fault {
  uint32_t block = QUIVER_INVALID_BLOCK;
  const char* text = nullptr;
  uint64_t value = 0;

  bool operator==(const Fault& other) const {
    return block == other.block && text == other.text && value == other.value;
  }
};

class VerifyState {
 public:
  VerifyState(const QuiverStore* store, const QuiverVerifyOptions* options, Allocator* allocator)
      : store(store),
        options(options),
        allocator(allocator),
        blocks(allocator),
        nodes(allocator),
        context_{this->store, nullptr, nullptr, allocator, false} {}

  const NodeLayout& layout() const { return index->layout; }
  // Valid while this is.  REQUIRES: the index is open.
  const GraphContext& context() {
    context_ = {store, index, kernels, allocator, false};
    return context_;
  }

  void Error(uint32_t block, int item, const char* text, uint64_t value = 0) {
    Send(QUIVER_SEVERITY_ERROR, block, item, text, value, 0);
  }
  void Warning(uint32_t block, int item, const char* text, uint64_t value = 0) {
    Send(QUIVER_SEVERITY_WARNING, block, item, text, value, 0);
  }
  // A figure; with a total, a share of it.
  void Info(const char* text, uint64_t value, uint64_t total = 0) {
    Send(QUIVER_SEVERITY_INFO, QUIVER_INVALID_BLOCK, -1, text, value, total);
  }

  // REQUIRES: block < BlockCount().
  void Copy(uint32_t block, uint8_t* page) const {
    QuiverPin pin;
    store.Poll();
    memcpy(page, store.Read(block, &pin), kPageBytes);
    store.Release(&pin);
  }

  // What is at a number now.
  NodeFacts FactsNow(uint32_t number) const {
    NodeFacts facts = {};
    const uint32_t block = layout().BlockOf(number);
    if (block >= store.BlockCount()) return facts;
    QuiverPin pin;
    store.Poll();
    const uint8_t* page = store.Read(block, &pin);
    if (IsNodePage(page, layout(), PageKind::kNode) || IsNodePage(page, layout(), PageKind::kUpper))
      facts = FactsOf(ConstNode(page, layout(), layout().SlotOf(number)));
    store.Release(&pin);
    return facts;
  }
  static NodeFacts FactsOf(const ConstNode& node) {
    if (!node.in_use()) return {};
    const bool emptied = (node.head().flags & kNodeEmptied) != 0;
    return {node.pointer_generation(), node.head().level,
            static_cast<uint8_t>(NodeFacts::kInUse | (emptied ? NodeFacts::kEmptied : 0))};
  }

  void ReferTo(uint32_t block) {
    if (block < blocks.size()) blocks[block].referred_to = true;
  }

  const Store store;
  const QuiverVerifyOptions* const options;
  Allocator* const allocator;
  const QuiverIndex* index = nullptr;
  const QuiverKernels* kernels = nullptr;
  bool has_center = true;  // false: it cannot be read, so that nothing is known of codes
  ArenaVector<BlockFacts> blocks;
  ArenaVector<NodeFacts> nodes;  // by number
  uint64_t zero_pages = 0;
  uint64_t free_pages = 0;
  uint64_t rows = 0;
  uint64_t bottom_nodes = 0;
  uint64_t upper_nodes = 0;
  uint64_t emptied_nodes = 0;  // of the bottom
  uint64_t emptied_uppers = 0;
  uint64_t free_places = 0;
  uint64_t lost_downs = 0;  // upper nodes whose node below is gone
  uint64_t edges = 0;
  uint64_t stale_edges = 0;

 private:
  void Send(QuiverSeverity severity, uint32_t block, int item, const char* text, uint64_t value,
            uint64_t total) const {
    const QuiverFinding finding = {severity, block, item, text, value, total};
    options->finding(options->context, &finding);
  }

  GraphContext context_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_VERIFY_STATE_H
