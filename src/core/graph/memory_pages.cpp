#include "graph/memory_pages.h"

namespace quiver {

namespace {

MemoryPages* Pages(void* context) {
  return static_cast<MemoryPages*>(context);
}

uint8_t* PinPage(void* context, uint32_t block, QuiverPin* pin) {
  *pin = {block, 0, true, nullptr};
  return Pages(context)->page(block);
}

}  // namespace

MemoryPages::MemoryPages(const QuiverStore* base)
    : base_(base), allocator_{base->context, base->allocate}, store_(), chunks_(&allocator_) {
  store_.context = this;
  store_.block_count = [](void* context) { return Pages(context)->count(); };
  store_.read = [](void* context, uint32_t block, QuiverPin* pin) -> const uint8_t* {
    return PinPage(context, block, pin);
  };
  store_.lock = store_.read;
  store_.release = [](void*, QuiverPin*) {};
  store_.extend = [](void* context, uint32_t, QuiverPin* pin) -> const uint8_t* {
    return PinPage(context, Pages(context)->Extend(), pin);
  };
  store_.note_free = [](void*, uint32_t) {};
  store_.begin = [](void*) {};
  store_.edit = [](void* context, QuiverPin* pin, bool) {
    return Pages(context)->page(pin->block);
  };
  store_.commit = [](void*) {};
  store_.prefetch = [](void* context, uint32_t block, uint32_t offset, uint32_t bytes) {
    MemoryPages* pages = Pages(context);
    if (block >= pages->count() || offset > kPageBytes || bytes > kPageBytes - offset) return;
    const uint8_t* page = pages->page(block);
    __builtin_prefetch(page);
    __builtin_prefetch(Special(page));
    for (uint32_t i = 0; i < bytes; i += 64) __builtin_prefetch(page + offset + i);
  };
  store_.poll = [](void* context) {
    const MemoryPages* pages = Pages(context);
    pages->base_->poll(pages->base_->context);
  };
  store_.allocate = [](void* context, size_t bytes) {
    const MemoryPages* pages = Pages(context);
    return pages->base_->allocate(pages->base_->context, bytes);
  };
  store_.get_target = [](void* context) { return Pages(context)->target_; };
  store_.set_target = [](void* context, uint32_t block) { Pages(context)->target_ = block; };
  store_.fail = [](void* context, const QuiverError* error) {
    const MemoryPages* pages = Pages(context);
    pages->base_->fail(pages->base_->context, error);
  };
}

uint32_t MemoryPages::Extend() {
  if (count_ == QUIVER_INVALID_BLOCK - 1)
    Store(&store_).Fail(QUIVER_ERROR_LIMIT, count_, -1, "the index has no more blocks");
  if (count_ % kChunkPages == 0)
    chunks_.PushBack(AllocateArray<uint8_t>(&allocator_, kChunkPages * kPageBytes));
  memset(page(count_), 0, kPageBytes);
  return count_++;
}

}  // namespace quiver
