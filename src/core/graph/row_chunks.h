// Rows that a build has collected, in chunks that the participants share.
//
//   chunk: | head | row | row | ... |        row: | hash, scale, ... | stored vector | to 8 |
//
// Each participant fills chunks of its own; afterwards whoever takes a chunk links its rows, or
// sorts them into others, and its memory is given back.  The first so many chunks lie in memory,
// the rest on disk.
#ifndef QUIVER_GRAPH_ROW_CHUNKS_H
#define QUIVER_GRAPH_ROW_CHUNKS_H

#include "graph/page_lock.h"
#include "graph/vectors.h"
#include "page/posting.h"

namespace quiver {

// The stored vector follows; none for a row without a distance.
struct CollectedRow {
  uint64_t hash;
  float scale;
  uint16_t entries;
  uint16_t leaf;  // of RowOrder, in sorted chunks; else 0
  PostingEntry posting;

  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  StoredVector vector() { return {bytes(), scale, entries, hash}; }
};
static_assert(sizeof(CollectedRow) == 24);

struct RowChunkHead {
  uint64_t first_row;  // rows of the chunks before; set when all have been filled
  uint32_t rows;
  uint32_t reserved;
};
static_assert(sizeof(RowChunkHead) == 16);

// What the participants share of the chunks of one region.
struct RowControl {
  uint32_t chunks;     // handed out for filling; atomic
  uint32_t taken;      // handed out for linking or sorting; atomic
  uint64_t rows;       // in all of them; atomic
  uint32_t in_memory;  // chunks before this one lie in memory
  uint32_t reserved;
};

// Chunks of rows with vectors (kRows), or of bare entries (kLoose).
template <class Row, SpaceRegion region, SpaceRegion region_on_disk>
class RowChunks {
 public:
  // Every row fits one; small, so that the participants end at about the same time.
  static constexpr uint64_t kBytes = 256 * 1024;

  RowChunks(const BuildSpace& space, RowControl* control) : space_(space), control_(control) {}

  // Room for one more row, of `bytes`.
  Row* Add(size_t bytes) {
    bytes = (bytes + 7) / 8 * 8;
    if (bytes > left_) Open();
    if (kBytes - left_ > forgotten_ + kForgetBytes) ForgetFilled();
    auto* row = reinterpret_cast<Row*>(next_);
    next_ += bytes;
    left_ -= bytes;
    head_->rows++;
    std::atomic_ref<uint64_t>(control_->rows).fetch_add(1, std::memory_order_relaxed);
    return row;
  }

  // Of all participants.
  uint64_t rows() const {
    return std::atomic_ref<uint64_t>(control_->rows).load(std::memory_order_relaxed);
  }
  uint32_t chunks() const {
    return std::atomic_ref<uint32_t>(control_->chunks).load(std::memory_order_relaxed);
  }
  uint64_t bytes() const { return chunks() * kBytes; }
  // Whether some of them lie on disk.
  bool on_disk() const { return chunks() > control_->in_memory; }
  // The one being filled.
  uint32_t filling() const { return filling_; }

  RowChunkHead* Chunk(uint32_t chunk) const {
    return reinterpret_cast<RowChunkHead*>(space_.Map(OffsetOf(chunk), kBytes));
  }
  static Row* First(RowChunkHead* head) { return reinterpret_cast<Row*>(head + 1); }
  static Row* Next(Row* row, size_t bytes) {
    return reinterpret_cast<Row*>(reinterpret_cast<uint8_t*>(row) + (bytes + 7) / 8 * 8);
  }

  // A chunk that nobody else gets; false when all have been taken.
  bool Take(uint32_t* chunk) const {
    *chunk = std::atomic_ref<uint32_t>(control_->taken).fetch_add(1, std::memory_order_relaxed);
    return *chunk < chunks();
  }
  void Release(uint32_t chunk) const { space_.Release(OffsetOf(chunk), kBytes); }
  void Forget(uint32_t chunk) const { ForgetPart(chunk, 0, kBytes); }

 private:
  // A chunk being filled on disk keeps its head and about so much in memory.
  static constexpr uint64_t kForgetBytes = 16384;

  uint64_t OffsetOf(uint32_t chunk) const {
    return chunk < control_->in_memory
               ? SpaceOffset(region, chunk, kBytes)
               : SpaceOffset(region_on_disk, chunk - control_->in_memory, kBytes);
  }
  void ForgetPart(uint32_t chunk, uint64_t from, uint64_t bytes) const {
    if (chunk >= control_->in_memory) space_.Forget(OffsetOf(chunk) + from, bytes);
  }
  void ForgetFilled() {
    const uint64_t filled = (kBytes - left_) / kForgetBytes * kForgetBytes;
    ForgetPart(filling_, forgotten_, filled - forgotten_);
    forgotten_ = filled;
  }

  void Open() {
    if (head_ != nullptr) Forget(filling_);
    filling_ = std::atomic_ref<uint32_t>(control_->chunks).fetch_add(1, std::memory_order_relaxed);
    space_.Reserve(OffsetOf(filling_), kBytes);
    head_ = Chunk(filling_);
    *head_ = {};
    next_ = reinterpret_cast<uint8_t*>(First(head_));
    left_ = kBytes - sizeof(RowChunkHead);
    forgotten_ = kForgetBytes;
  }

  BuildSpace space_;
  RowControl* control_;
  RowChunkHead* head_ = nullptr;  // of the chunk being filled
  uint32_t filling_ = QUIVER_INVALID_BLOCK;
  uint8_t* next_ = nullptr;
  uint64_t left_ = 0;
  uint64_t forgotten_ = kBytes;  // of the chunk being filled, its head aside
};

using VectorChunks = RowChunks<CollectedRow, SpaceRegion::kRows, SpaceRegion::kRowsOnDisk>;
using LooseChunks = RowChunks<PostingEntry, SpaceRegion::kLoose, SpaceRegion::kLooseOnDisk>;
// All on disk.
using SortedChunks = RowChunks<CollectedRow, SpaceRegion::kSortedRows, SpaceRegion::kSortedRows>;
static_assert(sizeof(RowChunkHead) + sizeof(CollectedRow) + size_t{QUIVER_MAX_SPARSE_ENTRIES} * 8 <=
              VectorChunks::kBytes);
static_assert(VectorChunks::kBytes % kSpaceGrain == 0);

}  // namespace quiver

#endif  // QUIVER_GRAPH_ROW_CHUNKS_H
