// Writing edges into the lists of nodes that exist.
#ifndef QUIVER_GRAPH_LINK_H
#define QUIVER_GRAPH_LINK_H

#include "graph/neighbors.h"

namespace quiver {

// An edge to be written into a node's list.
struct Link {
  NodePointer list;     // the node whose list it is
  NodePointer to;       // the node it leads to
  const Query* query;   // of `to`, with a code
  float distance;       // between the two, exact
  const uint8_t* code;  // layout.code_bytes
  EdgeFactors factors;
};

// What the two slots of an edge say, apart from pointers.
struct EdgeSides {
  EdgeFactors factors;
  EdgeFactors back_factors;
};

// Encodes the edge from `from` to `to` into code, and the way back into back_code.
// scratch has dim floats for DENSE.
EdgeSides EncodeEdge(const GraphContext& context, const Query& from,
                     const StoredVector& from_stored, const StoredVector& to, float* scratch,
                     uint8_t* code, uint8_t* back_code);

// Whether a list takes an edge, and which it drops for it, is decided under the
// lock of its page from what it holds by then (PlanLink).
class LinkWriter {
 public:
  // `search` reads distances where slots have no codes.
  LinkWriter(const GraphContext& context, Search* search);

  // Writes links of nodes on `level`, ordered by list.number, in as few records as
  // their pages allow.  Does not poll: a cancel in between would leave a row moved
  // from the list, which others have committed, without a route to it.
  void Write(const Link* links, uint32_t count, int level);

 private:
  void WriteRecord(const Link* links, uint32_t count, int level);
  void WriteUncoded(const Link& link, int level);
  void WriteChunked(const Link& link, const LinkPlan& plan, const ConstNode& now, QuiverPin* pin);
  static void WriteSlotOf(const NodeLayout& layout, const Node& node, const Link& link,
                          const LinkPlan& plan);

  const GraphContext* context_;
  Search* search_;
  NodeReader reader_;
  QueryMaker self_;  // of a node whose list is planned
  uint64_t pages_ = 0;
};

// True where the page has the node that `at` points to, on `level`.
inline bool HoldsNode(const uint8_t* page, const NodeLayout& layout, NodePointer at, int level) {
  const ConstNode node(page, layout, layout.SlotOf(at.number));
  return IsNodePage(page, layout, level == 0 ? PageKind::kNode : PageKind::kUpper) &&
         node.in_use() && node.pointer_generation() == at.generation && node.head().level == level;
}

}  // namespace quiver

#endif  // QUIVER_GRAPH_LINK_H
