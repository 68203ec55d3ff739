// Pages of a bounded build: on disk, with so many frames of memory, which all participants share;
// each has a DiskPages of its own.
//
// A page is in a frame while somebody looks at it, and until the frame is wanted for another (a
// clock: Corbato 1968).  A table of blocks, in memory, tells each page's lock and frame:
//
// - who holds the page's lock may rely on its frame; who finds none takes the lock exclusively,
//   brings the page, and looks again;
// - a frame is taken from a page by who gets that page's lock exclusively without waiting.
#ifndef QUIVER_GRAPH_DISK_PAGES_H
#define QUIVER_GRAPH_DISK_PAGES_H

#include "graph/memory_pages.h"

namespace quiver {

// What the participants share besides frames, table and file.
struct FrameControl {
  uint64_t frames;
  uint64_t first;      // never used yet; atomic
  uint64_t hand;       // of the clock; atomic
  uint32_t reserved;   // pieces of frames; atomic
  uint32_t reserving;  // PageLock: of who adds one
};

class DiskPages {
 public:
  static constexpr uint64_t kBytesPerBlock = 8;  // of the table

  // Of `base`, only allocate, poll and fail are used.
  DiskPages(const QuiverStore* base, const BuildSpace& space, PageControl* control,
            FrameControl* frames);

  // One participant, before there are pages: frames of about so many bytes together, which
  // are reserved when they are wanted.
  void Create(uint64_t bytes, uint32_t participants);
  // Each of the others.
  void Open();

  // As the graph code wants it.  Points to this object, which must not move.
  const QuiverStore* store() const { return &store_; }
  uint32_t count() const {
    return std::atomic_ref<uint32_t>(control_->count).load(std::memory_order_acquire);
  }

 private:
  // Of a block.
  struct Entry {
    uint32_t lock;   // PageLock
    uint32_t frame;  // kNoFrame, or a frame's number; changes under the lock; atomic
  };
  // Of a frame.
  struct FrameHead {
    uint32_t block;  // QUIVER_INVALID_BLOCK: none, somebody is about to fill it; atomic
    uint8_t used;    // since the clock's hand came by; atomic
    uint8_t dirty;   // under the page's lock
    uint16_t reserved;
  };

  static_assert(sizeof(Entry) == kBytesPerBlock);

  static constexpr uint32_t kNoFrame = UINT32_MAX;
  static constexpr uint64_t kFewestFrames = 64;
  // Who waits for one keeps what he looks at: no more than five pages.
  static constexpr uint64_t kFramesPerParticipant = 8;
  // Blocks are provided so many at once.
  static constexpr uint32_t kChunkPages = 2048;
  static constexpr uint32_t kPieceEntries = kSpaceGrain / sizeof(Entry);
  static_assert(kPieceEntries % kChunkPages == 0);

  static constexpr uint32_t kPieceFrames = 64;
  static constexpr uint64_t kPieceBytes = kPieceFrames * kPageBytes;
  static_assert(kPieceBytes % kSpaceGrain == 0 && kFewestFrames % kPieceFrames == 0);

  uint64_t HeadBytes() const { return GrainsOf(shared_->frames * sizeof(FrameHead)); }
  Entry& EntryOf(uint32_t block) {
    const size_t piece = block / kPieceEntries;
    if (piece >= entries_.size() || entries_[piece] == nullptr) [[unlikely]]
      MapEntries(piece);
    return entries_[piece][block % kPieceEntries];
  }
  uint8_t* Page(uint32_t frame) {
    const size_t piece = frame / kPieceFrames;
    if (piece >= frames_.size() || frames_[piece] == nullptr) [[unlikely]]
      MapFrames(piece);
    return frames_[piece] + (frame % kPieceFrames) * kPageBytes;
  }
  uint8_t* PageOf(const QuiverPin& pin) { return Page(EntryOf(pin.block).frame); }
  static std::atomic_ref<uint32_t> FrameOf(Entry& entry) {
    return std::atomic_ref<uint32_t>(entry.frame);
  }
  void MapEntries(size_t piece);
  void MapFrames(size_t piece);
  void ReserveFrames(uint32_t piece);
  uint8_t* Get(uint32_t block, bool exclusive);
  void Bring(uint32_t block, Entry* entry);
  uint32_t TakeFrame();
  bool Empty(uint32_t frame);
  uint32_t Extend();

  const QuiverStore* base_;
  BuildSpace space_;
  PageControl* control_;
  FrameControl* shared_;
  Allocator allocator_;
  QuiverStore store_;
  FrameHead* heads_ = nullptr;
  ArenaVector<uint8_t*> frames_;  // pieces; null: not mapped yet
  ArenaVector<Entry*> entries_;   // the same
  uint32_t target_ = QUIVER_INVALID_BLOCK;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_DISK_PAGES_H
