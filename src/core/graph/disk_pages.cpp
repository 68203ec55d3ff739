#include "graph/disk_pages.h"

#include <algorithm>

namespace quiver {

namespace {

uint64_t OnDisk(uint32_t block) {
  return SpaceOffset(SpaceRegion::kPagesOnDisk, block, kPageBytes);
}

}  // namespace

DiskPages::DiskPages(const QuiverStore* base, const BuildSpace& space, PageControl* control,
                     FrameControl* frames)
    : base_(base),
      space_(space),
      control_(control),
      shared_(frames),
      allocator_{base->context, base->allocate},
      store_(),
      frames_(&allocator_),
      entries_(&allocator_) {
  static constexpr auto pages = [](void* context) { return static_cast<DiskPages*>(context); };
  store_.context = this;
  store_.block_count = [](void* context) { return pages(context)->count(); };
  store_.read = [](void* context, uint32_t block, QuiverPin* pin) -> const uint8_t* {
    *pin = {block, 0, false, nullptr};
    return pages(context)->Get(block, false);
  };
  store_.lock = [](void* context, uint32_t block, QuiverPin* pin) -> const uint8_t* {
    *pin = {block, 0, true, nullptr};
    return pages(context)->Get(block, true);
  };
  store_.release = [](void* context, QuiverPin* pin) {
    const PageLock lock(&pages(context)->EntryOf(pin->block).lock);
    if (pin->exclusive)
      lock.Unlock();
    else
      lock.Unshare();
  };
  store_.extend = [](void* context, uint32_t, QuiverPin* pin) -> const uint8_t* {
    *pin = {pages(context)->Extend(), 0, true, nullptr};
    return pages(context)->PageOf(*pin);
  };
  store_.note_free = [](void*, uint32_t) {};
  store_.begin = [](void*) {};
  store_.edit = [](void* context, QuiverPin* pin, bool) {
    DiskPages* self = pages(context);
    self->heads_[self->EntryOf(pin->block).frame].dirty = 1;
    return self->PageOf(*pin);
  };
  store_.commit = [](void*) {};
  store_.prefetch = [](void* context, uint32_t block, uint32_t offset, uint32_t bytes) {
    DiskPages* self = pages(context);
    if (block >= self->count() || offset > kPageBytes || bytes > kPageBytes - offset) return;
    // It may be another page's by the time it is looked at: then it was for nothing.
    const uint32_t frame = FrameOf(self->EntryOf(block)).load(std::memory_order_relaxed);
    if (frame == kNoFrame) return;
    const uint8_t* page = self->Page(frame);
    __builtin_prefetch(page);
    __builtin_prefetch(page + kPageBytes - sizeof(PageSpecial));
    for (uint32_t i = 0; i < bytes; i += 64) __builtin_prefetch(page + offset + i);
  };
  store_.poll = [](void* context) {
    const DiskPages* self = pages(context);
    self->base_->poll(self->base_->context);
  };
  store_.allocate = [](void* context, size_t bytes) {
    const DiskPages* self = pages(context);
    return self->base_->allocate(self->base_->context, bytes);
  };
  store_.get_target = [](void* context) { return pages(context)->target_; };
  store_.set_target = [](void* context, uint32_t block) { pages(context)->target_ = block; };
  store_.fail = [](void* context, const QuiverError* error) {
    const DiskPages* self = pages(context);
    self->base_->fail(self->base_->context, error);
  };
}

void DiskPages::Create(uint64_t bytes, uint32_t participants) {
  const uint64_t fewest =
      std::max(kFewestFrames, (participants * kFramesPerParticipant + kPieceFrames - 1) /
                                  kPieceFrames * kPieceFrames);
  const uint64_t pieces = bytes / (kPieceBytes + kPieceFrames * sizeof(FrameHead));
  shared_->frames = std::clamp<uint64_t>(pieces * kPieceFrames, fewest, kNoFrame / 2 + 1);
  space_.Reserve(SpaceOffset(SpaceRegion::kFrameHeads, 0, 0), HeadBytes());
  Open();
}

void DiskPages::Open() {
  heads_ = reinterpret_cast<FrameHead*>(
      space_.Map(SpaceOffset(SpaceRegion::kFrameHeads, 0, 0), HeadBytes()));
}

void DiskPages::MapFrames(size_t piece) {
  if (piece >= frames_.size()) frames_.Resize(piece + 1);
  frames_[piece] = space_.Map(SpaceOffset(SpaceRegion::kFrames, piece, kPieceBytes), kPieceBytes);
}

// The pieces up to this one.
void DiskPages::ReserveFrames(uint32_t piece) {
  const std::atomic_ref<uint32_t> reserved(shared_->reserved);
  if (reserved.load(std::memory_order_acquire) > piece) return;
  const PageLock reserving(&shared_->reserving);
  reserving.Lock(space_);
  for (uint32_t next; (next = reserved.load(std::memory_order_relaxed)) <= piece;) {
    space_.Reserve(SpaceOffset(SpaceRegion::kFrames, next, kPieceBytes), kPieceBytes);
    reserved.store(next + 1, std::memory_order_release);
  }
  reserving.Unlock();
}

void DiskPages::MapEntries(size_t piece) {
  if (piece >= entries_.size()) entries_.Resize(piece + 1);
  entries_[piece] = reinterpret_cast<Entry*>(
      space_.Map(SpaceOffset(SpaceRegion::kBlocks, piece, kSpaceGrain), kSpaceGrain));
}

// The page, locked.
uint8_t* DiskPages::Get(uint32_t block, bool exclusive) {
  Entry& entry = EntryOf(block);
  const PageLock lock(&entry.lock);
  for (;;) {
    if (exclusive)
      lock.Lock(space_);
    else
      lock.Share(space_);
    const uint32_t frame = FrameOf(entry).load(std::memory_order_relaxed);
    if (frame != kNoFrame) {
      const std::atomic_ref<uint8_t> used(heads_[frame].used);
      if (used.load(std::memory_order_relaxed) == 0) used.store(1, std::memory_order_relaxed);
      return Page(frame);
    }
    if (!exclusive) {
      lock.Unshare();
      lock.Lock(space_);
    }
    if (FrameOf(entry).load(std::memory_order_relaxed) == kNoFrame) Bring(block, &entry);
    if (exclusive) return Page(entry.frame);
    lock.Unlock();
  }
}

// REQUIRES: the page is locked exclusively, and has no frame.
void DiskPages::Bring(uint32_t block, Entry* entry) {
  const uint32_t frame = TakeFrame();
  space_.Load(OnDisk(block), kPageBytes, Page(frame));
  std::atomic_ref<uint8_t>(heads_[frame].used).store(1, std::memory_order_relaxed);
  heads_[frame].dirty = 0;
  FrameOf(*entry).store(frame, std::memory_order_relaxed);
  std::atomic_ref<uint32_t>(heads_[frame].block).store(block, std::memory_order_release);
}

// A frame that nobody else has.  Others may take as long as they have frames: then it waits.
uint32_t DiskPages::TakeFrame() {
  const std::atomic_ref<uint64_t> first(shared_->first);
  if (first.load(std::memory_order_relaxed) < shared_->frames) {
    const uint64_t frame = first.fetch_add(1, std::memory_order_relaxed);
    if (frame < shared_->frames) {
      ReserveFrames(static_cast<uint32_t>(frame / kPieceFrames));
      return static_cast<uint32_t>(frame);
    }
  }
  const std::atomic_ref<uint64_t> hand(shared_->hand);
  for (uint64_t tries = 1;; tries++) {
    const auto frame =
        static_cast<uint32_t>(hand.fetch_add(1, std::memory_order_relaxed) % shared_->frames);
    const std::atomic_ref<uint8_t> used(heads_[frame].used);
    if (used.load(std::memory_order_relaxed) != 0)
      used.store(0, std::memory_order_relaxed);
    else if (Empty(frame))
      return frame;
    // Thrice around: all of them are being looked at.
    if (tries % (3 * shared_->frames) == 0)
      space_.Wait(static_cast<uint32_t>(tries / (3 * shared_->frames)));
  }
}

// Takes the frame from its page, unless somebody looks at that.
bool DiskPages::Empty(uint32_t frame) {
  const std::atomic_ref<uint32_t> owner(heads_[frame].block);
  const uint32_t block = owner.load(std::memory_order_acquire);
  if (block == QUIVER_INVALID_BLOCK) return false;
  Entry& entry = EntryOf(block);
  const PageLock lock(&entry.lock);
  if (!lock.TryLock()) return false;
  if (FrameOf(entry).load(std::memory_order_relaxed) != frame) {
    lock.Unlock();
    return false;
  }
  if (heads_[frame].dirty != 0) space_.Save(OnDisk(block), kPageBytes, Page(frame));
  owner.store(QUIVER_INVALID_BLOCK, std::memory_order_relaxed);
  FrameOf(entry).store(kNoFrame, std::memory_order_relaxed);
  lock.Unlock();
  return true;
}

// Adds an empty page, exclusively locked before anybody can see it; its block number.
uint32_t DiskPages::Extend() {
  const PageLock extending(&control_->extending);
  const uint32_t frame = TakeFrame();
  extending.Lock(space_);
  const uint32_t block = count();
  if (block == QUIVER_INVALID_BLOCK - 1)
    Store(&store_).Fail(QUIVER_ERROR_LIMIT, block, -1, "the index has no more blocks");
  if (block % kChunkPages == 0) space_.Reserve(OnDisk(block), uint64_t{kChunkPages} * kPageBytes);
  if (block % kPieceEntries == 0) {
    const uint64_t offset = SpaceOffset(SpaceRegion::kBlocks, block / kPieceEntries, kSpaceGrain);
    space_.Reserve(offset, kSpaceGrain);
    memset(space_.Map(offset, kSpaceGrain), 0, kSpaceGrain);
  }
  Entry& entry = EntryOf(block);
  PageLock(&entry.lock).Lock(space_);
  memset(Page(frame), 0, kPageBytes);
  std::atomic_ref<uint8_t>(heads_[frame].used).store(1, std::memory_order_relaxed);
  heads_[frame].dirty = 1;
  FrameOf(entry).store(frame, std::memory_order_relaxed);
  std::atomic_ref<uint32_t>(heads_[frame].block).store(block, std::memory_order_release);
  std::atomic_ref<uint32_t>(control_->count).store(block + 1, std::memory_order_release);
  extending.Unlock();
  return block;
}

}  // namespace quiver
