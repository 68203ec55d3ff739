// What a slot says of its neighbour, against the two stored vectors.
#ifndef QUIVER_GRAPH_VERIFY_EDGES_H
#define QUIVER_GRAPH_VERIFY_EDGES_H

#include "graph/verify_state.h"

namespace quiver {

class EdgeVerifier {
 public:
  explicit EdgeVerifier(VerifyState* state);

  // Begins with a node that is whole and a copy.  False where its vector has a fault,
  // which says nothing of its edges.
  bool Begin(const ConstNode& node);

  // What is wrong with slot i of that node, a text, or null; null too where the
  // neighbour is not there.
  const char* Compare(uint32_t i, int level);

  // True where the neighbour at `to` is there; its vector is `other()` then.
  bool ReadOther(NodePointer to, int level);
  const StoredVector& other() const { return other_; }

 private:
  const char* CompareCodes(uint32_t i);
  const char* CompareLength(uint32_t i);

  VerifyState* state_;
  ConstNode node_;
  NodeReader reader_;
  QueryMaker maker_;
  Query query_;  // of the node, where edges have lengths
  float* own_vector_;
  float* other_vector_;
  uint8_t* forward_;
  uint8_t* backward_;
  StoredVector other_ = {};
  ArenaVector<uint64_t> other_bytes_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_VERIFY_EDGES_H
