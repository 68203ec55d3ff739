// Links between nodes, node by node up the blocks; then which nodes they lead to.
#ifndef QUIVER_GRAPH_VERIFY_LINKS_H
#define QUIVER_GRAPH_VERIFY_LINKS_H

#include "graph/verify_chains.h"
#include "graph/verify_edges.h"

namespace quiver {

class LinkVerifier {
 public:
  LinkVerifier(VerifyState* state, ChainVerifier* chains);

  // Every node: its neighbours, the node below it, its chains.
  void VerifyNodes();

  // Reads all nodes that a search could come to, from the entry point.
  void FindReached();

  // Figures of both.
  void Report();

 private:
  void VerifyNode(uint32_t number);
  void VerifySlots(uint32_t number, const ConstNode& node);
  void VerifyDown(uint32_t number, const ConstNode& node);
  void VerifyChunks(uint32_t number, const ConstNode& node);
  void ReferToSpare(uint32_t number, uint32_t block);
  NodeFacts Look(NodePointer to);
  // Of a pointer to what is not there: whether it can have led to a node that has gone.
  enum class Stale { kGone, kNotGiven, kElsewhere };
  Stale WhyStale(NodePointer to);
  void Mark(uint32_t number, NodeFacts::Marks mark);
  bool IsStill(uint32_t number, const ConstNode& node);
  void Reach(NodePointer to);

  VerifyState* state_;
  ChainVerifier* chains_;
  EdgeVerifier edges_;
  NodeReader reader_;
  uint8_t* page_;
  ArenaVector<uint64_t> image_;    // of the node being looked at, where it is larger than its place
  ArenaVector<uint32_t> reached_;  // numbers still to be read
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_VERIFY_LINKS_H
