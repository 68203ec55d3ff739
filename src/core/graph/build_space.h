// Memory that the participants of a build share: QuiverSpace (core_api.h) with types.
#ifndef QUIVER_GRAPH_BUILD_SPACE_H
#define QUIVER_GRAPH_BUILD_SPACE_H

#include "page/page.h"

namespace quiver {

// What lies where.  A region's pieces follow each other; each starts at the region's
// first offset plus a multiple of its size.
constexpr int kRegionShift = QUIVER_SPACE_STRETCH_SHIFT;
constexpr uint64_t kOnDisk = QUIVER_SPACE_ON_DISK >> kRegionShift;
enum class SpaceRegion : uint64_t {
  kControl = 0,  // one piece: BuildControl
  kRows = 1,     // RowChunks
  kLoose = 2,    // the same, of rows without a distance
  kPages = 3,    // MemoryPages' chunks
  kTwins = 4,    // one piece: TwinTable's cells
  // Of a bounded build.
  kBlocks = 5,       // DiskPages' table
  kSample = 6,       // one piece: rows that the order is made from
  kOrder = 7,        // one piece: RowOrder's pivots
  kBuckets = 8,      // one piece: RowSorter's bucket of each chunk
  kFrames = 9,       // DiskPages'
  kFrameHeads = 10,  // one piece: the same
  kRowsOnDisk = kOnDisk | 1,
  kLooseOnDisk = kOnDisk | 2,
  kPagesOnDisk = kOnDisk | 3,
  kSortedRows = kOnDisk | QUIVER_SPACE_STRETCHES,
};
constexpr int kUnboundedRegions = 5;

constexpr uint64_t SpaceOffset(SpaceRegion region, uint64_t piece, uint64_t bytes) {
  return (static_cast<uint64_t>(region) << kRegionShift) + piece * bytes;
}
// Sizes of pieces are multiples of this, so that each begins on a page of any CPU.
constexpr uint64_t kSpaceGrain = 65536;
constexpr uint64_t GrainsOf(uint64_t bytes) {
  return (bytes + kSpaceGrain - 1) / kSpaceGrain * kSpaceGrain;
}

// A handle, as Store is.
class BuildSpace {
 public:
  BuildSpace(const QuiverStore* store, const QuiverSpace* space) : store_(store), space_(space) {}

  // Memory for a piece, not zeroed; fails where there is none.
  void Reserve(uint64_t offset, uint64_t bytes) const {
    if (!space_->reserve(space_->context, offset, bytes))
      store_.Fail(QUIVER_ERROR_MEMORY, QUIVER_INVALID_BLOCK, -1, "no memory for a build", bytes);
  }
  // Where a reserved piece is, for this participant.
  uint8_t* Map(uint64_t offset, uint64_t bytes) const {
    return static_cast<uint8_t*>(space_->map(space_->context, offset, bytes));
  }
  void Release(uint64_t offset, uint64_t bytes) const {
    space_->release(space_->context, offset, bytes);
  }
  void Forget(uint64_t offset, uint64_t bytes) const {
    space_->forget(space_->context, offset, bytes);
  }
  // What lies on disk and has been reserved but is not mapped.
  void Load(uint64_t offset, uint64_t bytes, void* into) const {
    space_->load(space_->context, offset, bytes, into);
  }
  void Save(uint64_t offset, uint64_t bytes, const void* from) const {
    space_->save(space_->context, offset, bytes, from);
  }
  void Wait(uint32_t tries) const { space_->wait(space_->context, tries); }

 private:
  Store store_;
  const QuiverSpace* space_;
};

// The space of a build with one participant and any amount of memory, which is its
// store's; none is given back.
class PrivateSpace {
 public:
  explicit PrivateSpace(const QuiverStore* store);

  // Points to this object, which must not move.
  const QuiverSpace* space() const { return &space_; }

 private:
  struct Piece {
    uint64_t offset;
    uint8_t* bytes;
  };

  Allocator allocator_;
  QuiverSpace space_;
  ArenaVector<Piece> pieces_[kUnboundedRegions];  // ascending
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_BUILD_SPACE_H
