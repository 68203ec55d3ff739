// What a build takes, and how a bounded one divides what it may take:
//
//   while rows are collected   rows, rows without a distance
//   while rows are sorted      what is left of them, the sample, pivots and chunks being filled
//   while rows are linked      frames, their table, each participant's own; pivots
#ifndef QUIVER_GRAPH_BUILD_MEMORY_H
#define QUIVER_GRAPH_BUILD_MEMORY_H

#include "page/layout.h"

namespace quiver {

// Bytes of a graph of so many rows with vectors, and of the table of twins.  sparse_chunks: chunk
// pages of a SPARSE row, on average.
uint64_t GraphBytes(const NodeLayout& layout, uint64_t rows, double sparse_chunks);

// Of so many bytes, which all participants may take together.
class BuildMemory {
 public:
  BuildMemory(uint64_t bytes, uint32_t participants) : bytes_(bytes), participants_(participants) {}

  uint64_t bytes() const { return bytes_; }
  uint32_t participants() const { return participants_; }
  uint64_t Loose() const { return bytes_ / 16; }
  uint64_t Sample() const { return bytes_ / 8; }
  uint64_t Sorting() const { return bytes_ / 8; }
  // Rows with vectors: as many as a graph fits of, and no more than the others leave.
  uint64_t Rows(const NodeLayout& layout) const;
  // With a graph of so many bytes.
  uint64_t Frames(const NodeLayout& layout, uint64_t graph, int ef_construction) const;

 private:
  uint64_t bytes_;
  uint32_t participants_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_BUILD_MEMORY_H
