#include "graph/build_memory.h"

#include <algorithm>

#include "graph/disk_pages.h"
#include "graph/row_chunks.h"
#include "graph/twins.h"
#include "page/chunk.h"

namespace quiver {

namespace {

// What a participant takes besides, in its own memory.
constexpr uint64_t kOwnBytes = 1024 * 1024;

}  // namespace

uint64_t GraphBytes(const NodeLayout& layout, uint64_t rows, double sparse_chunks) {
  // The upper layers included.
  uint64_t pages = rows / layout.nodes_per_page + 1;
  const size_t beside = layout.vector_at_home ? 0 : layout.vector_bytes;
  pages += rows * ((beside + kChunkBytes - 1) / kChunkBytes + layout.CodeChunks());
  pages += static_cast<uint64_t>(static_cast<double>(rows) * sparse_chunks);
  return pages * kPageBytes * 33 / 32 + TwinTable::BytesFor(TwinTable::CellsFor(rows));
}

uint64_t BuildMemory::Rows(const NodeLayout& layout) const {
  constexpr uint64_t kAnyNumber = uint64_t{1} << 45;
  if (bytes_ >= kAnyNumber) return kAnyNumber;
  const uint64_t room = bytes_ - Loose() - Sample() - Sorting();
  // How long they are is not known yet; a node takes more than its row.
  if (layout.form == QUIVER_FORM_SPARSE) return room * 2 / 3;
  const uint64_t row = sizeof(CollectedRow) + layout.vector_bytes;
  uint64_t fewest = 0;
  uint64_t most = bytes_ / row + 1;
  while (most - fewest > 1) {
    const uint64_t rows = fewest + (most - fewest) / 2;
    (std::max(rows * row, GraphBytes(layout, rows, 0)) <= bytes_ ? fewest : most) = rows;
  }
  return std::min(fewest * row, room);
}

uint64_t BuildMemory::Frames(const NodeLayout& layout, uint64_t graph, int ef_construction) const {
  // Copies of the vectors that a search has found, among others.
  const uint64_t own = kOwnBytes + 2 * static_cast<uint64_t>(ef_construction) * layout.vector_bytes;
  const uint64_t taken =
      graph / kPageBytes * DiskPages::kBytesPerBlock + Sorting() + participants_ * own;
  return bytes_ > taken ? bytes_ - taken : 0;
}

}  // namespace quiver
