// Edges: what a slot says of a neighbour, and what follows from it.
//
// kBits: the neighbour's bits, so that its distance is exact.  kNone: the edge's
// length, no more.  kEdge: node c, neighbour o, both as stored; r = o - c, n = |r|; s the code of r
// with small odd components; a = <s, r>; mu the index's centre, q' = q - mu.  Then <r, y> ~ (n^2 /
// a) <s, y>, unbiased over the random rotation (RaBitQ, Gao and Long 2024, applied edge by edge as
// SymphonyQG does, Gou et al. 2025).  A slot keeps g = -2 n^2 / a and f = n^2 - g <s, c - mu> (L2,
// cosine) or f = -<mu, r> (inner product), so that
//
//   |q - o|^2 ~ |q - c|^2 + f + g <s, q'>
//   -<q, o>   ~ -<q, c>   + f + g/2 <s, q'>
#ifndef QUIVER_GRAPH_EDGES_H
#define QUIVER_GRAPH_EDGES_H

#include "graph/vectors.h"

namespace quiver {

struct EdgeFactors {
  float f;
  float g;
};

// For the edge c -> o, and for the edge o -> c whose code is the complement.
EdgeFactors ForwardFactors(QuiverMetric metric, const QuiverEdgeTerms& terms);
EdgeFactors BackwardFactors(QuiverMetric metric, const QuiverEdgeTerms& terms);

// The code of -r: every bit of `code` that stands for a component turned over.
void ComplementCode(const NodeLayout& layout, const uint8_t* code, uint8_t* out);

// What is written into a slot, but for the code.
struct SlotEntry {
  uint32_t number;
  uint16_t generation;  // with the dominated bit
  EdgeFactors factors;  // kEdge
  float length;         // kNone
};

// Writes a slot.  Grows the node's scales where f or g would overflow float16.
// The code is the caller's, since it may lie on another page.
void WriteSlot(const NodeLayout& layout, const Node& node, uint32_t slot, const SlotEntry& entry);

// Moves a slot into another's place, but for the code.
void MoveSlot(const NodeLayout& layout, const Node& node, uint32_t from, uint32_t to);

// Distances from `query` to all neighbours of a node whose own distance is `base`,
// into estimates[node.slot_count()] (room for kMaxSlots).  `node` is an image with
// codes.  Not for kNone.
void EstimateNeighbors(const QuiverKernels& kernels, const QuiverIndex& index,
                       const ConstNode& node, const Query& query, float base, float* estimates);

// Whether distances are squared lengths, and edges have codes that tell theirs.
inline bool HasSquaredEdges(const QuiverIndex& index) {
  return index.layout.codec == Codec::kEdge && index.metric != QUIVER_METRIC_IP;
}

// The squared length that a quarter of a node's edges are shorter than, about, from their factors
// alone: g is -2 n^2 / a, and a is near its mean, n sqrt(dim) times a constant of the code's bits,
// since the residuals are rotated.  0 where it has none.
// REQUIRES: HasSquaredEdges.
float ShortEdge(const NodeLayout& layout, const ConstNode& node);

}  // namespace quiver

#endif  // QUIVER_GRAPH_EDGES_H
