#include "graph/memory_pages.h"

namespace quiver {

static_assert(sizeof(PageHeader::lsn) >= sizeof(uint32_t) && offsetof(PageHeader, lsn) == 0);

MemoryPages::MemoryPages(const QuiverStore* base, const BuildSpace& space, PageControl* control)
    : base_(base),
      space_(space),
      control_(control),
      allocator_{base->context, base->allocate},
      store_(),
      chunks_(&allocator_) {
  static constexpr auto pages = [](void* context) { return static_cast<MemoryPages*>(context); };
  store_.context = this;
  store_.block_count = [](void* context) { return pages(context)->count(); };
  store_.read = [](void* context, uint32_t block, QuiverPin* pin) -> const uint8_t* {
    MemoryPages* self = pages(context);
    uint8_t* page = self->page(block);
    LockOf(page).Share(self->space_);
    *pin = {block, 0, false, nullptr};
    return page;
  };
  store_.lock = [](void* context, uint32_t block, QuiverPin* pin) -> const uint8_t* {
    MemoryPages* self = pages(context);
    uint8_t* page = self->page(block);
    LockOf(page).Lock(self->space_);
    *pin = {block, 0, true, nullptr};
    return page;
  };
  store_.release = [](void* context, QuiverPin* pin) {
    const PageLock lock = LockOf(pages(context)->page(pin->block));
    if (pin->exclusive)
      lock.Unlock();
    else
      lock.Unshare();
  };
  store_.extend = [](void* context, uint32_t, QuiverPin* pin) -> const uint8_t* {
    MemoryPages* self = pages(context);
    *pin = {self->Extend(), 0, true, nullptr};
    return self->page(pin->block);
  };
  store_.note_free = [](void*, uint32_t) {};
  store_.begin = [](void*) {};
  store_.edit = [](void* context, QuiverPin* pin, bool) {
    return pages(context)->page(pin->block);
  };
  store_.commit = [](void*) {};
  store_.prefetch = [](void* context, uint32_t block, uint32_t offset, uint32_t bytes) {
    MemoryPages* self = pages(context);
    if (block >= self->count() || offset > kPageBytes || bytes > kPageBytes - offset) return;
    const uint8_t* page = self->page(block);
    __builtin_prefetch(page, 1);  // the lock
    __builtin_prefetch(Special(page));
    for (uint32_t i = 0; i < bytes; i += 64) __builtin_prefetch(page + offset + i);
  };
  store_.poll = [](void* context) {
    const MemoryPages* self = pages(context);
    self->base_->poll(self->base_->context);
  };
  store_.allocate = [](void* context, size_t bytes) {
    const MemoryPages* self = pages(context);
    return self->base_->allocate(self->base_->context, bytes);
  };
  store_.get_target = [](void* context) { return pages(context)->target_; };
  store_.set_target = [](void* context, uint32_t block) { pages(context)->target_ = block; };
  store_.fail = [](void* context, const QuiverError* error) {
    const MemoryPages* self = pages(context);
    self->base_->fail(self->base_->context, error);
  };
}

void MemoryPages::MapChunk(size_t chunk) {
  if (chunk >= chunks_.size()) chunks_.Resize(chunk + 1);
  chunks_[chunk] = space_.Map(SpaceOffset(SpaceRegion::kPages, chunk, kChunkBytes), kChunkBytes);
}

// Adds an empty page, exclusively locked before anybody can see it; its block number.
uint32_t MemoryPages::Extend() {
  const PageLock extending(&control_->extending);
  extending.Lock(space_);
  const uint32_t block = count();
  if (block == QUIVER_INVALID_BLOCK - 1)
    Store(&store_).Fail(QUIVER_ERROR_LIMIT, block, -1, "the index has no more blocks");
  if (block % kChunkPages == 0)
    space_.Reserve(SpaceOffset(SpaceRegion::kPages, block / kChunkPages, kChunkBytes), kChunkBytes);
  uint8_t* added = page(block);
  memset(added, 0, kPageBytes);
  LockOf(added).Lock(space_);
  std::atomic_ref<uint32_t>(control_->count).store(block + 1, std::memory_order_release);
  extending.Unlock();
  return block;
}

}  // namespace quiver
