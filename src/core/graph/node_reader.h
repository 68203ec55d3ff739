// Nodes as a whole, wherever their parts lie.
#ifndef QUIVER_GRAPH_NODE_READER_H
#define QUIVER_GRAPH_NODE_READER_H

#include "graph/vectors.h"
#include "page/chunk.h"
#include "page/node.h"

namespace quiver {

// What every part of the graph code works with.
struct GraphContext {
  Store store;
  const QuiverIndex* index;
  const QuiverKernels* kernels;
  Allocator* allocator;
  // Pages never move nor change their vectors: they may be pointed into.
  bool stable_pages;

  const NodeLayout& layout() const { return index->layout; }
};

// A node's parts that lie on chunk pages, in the order of their chain: the vector's
// first, then codes.
struct NodePart {
  size_t offset;  // in the image
  size_t bytes;
};
uint32_t PartCount(const ConstNode& node, const NodeLayout& layout);
// The parts that make up the vector; the first ones.
uint32_t VectorPartCount(const ConstNode& node);
NodePart PartAt(const ConstNode& node, const NodeLayout& layout, uint32_t part);
// The part that the code of `slot` lies in.  REQUIRES: slot >= codes_at_home.
uint32_t PartOfCode(const ConstNode& node, const NodeLayout& layout, uint32_t slot);

// Why a node's parts cannot be read; detail is null where they can.
struct NodeDamage {
  uint32_t block = QUIVER_INVALID_BLOCK;
  const char* detail = nullptr;
  uint64_t value = 0;
};

class NodeReader {
 public:
  explicit NodeReader(const GraphContext& context);

  enum Want { kVector, kEverything };

  // The node with its vector, or its codes too: in place where that is all on its
  // page, else an image valid until the next call.  REQUIRES: the page of `number`,
  // to which `node` points, is locked, and stays so until the call returns; what it
  // is locked for, no matter, where Reserve made room.  Adds to *pages.
  ConstNode Read(const ConstNode& node, uint32_t number, Want want, uint64_t* pages);

  // The same, without an error: where *damage says why, `node` itself is returned.
  ConstNode TryRead(const ConstNode& node, uint32_t number, Want want, uint64_t* pages,
                    NodeDamage* damage);

  // Makes room for an image with a vector of `bytes`.
  void Reserve(size_t bytes);

  // The chunk page of a part of the node read last with kEverything.
  uint32_t BlockOfPart(uint32_t part) const { return blocks_[part]; }

 private:
  const GraphContext* context_;
  ArenaVector<uint8_t> image_;
  ArenaVector<uint32_t> blocks_;
};

// The vector of a node that is whole.
inline StoredVector VectorOf(const ConstNode& node) {
  return {node.vector(), node.head().vector_scale, node.head().entries, node.head().hash};
}

}  // namespace quiver

#endif  // QUIVER_GRAPH_NODE_READER_H
