#include "index_pages.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace quiver::bench {

namespace {

// No exception may cross the core's frames.
[[noreturn]] void Die(const std::string& message) {
  fmt::print(stderr, "quiver_graph: {}\n", message);
  std::exit(1);
}

[[noreturn]] void RefuseChange() {
  Die("a search tried to change a page");
}

void Report(void*, const QuiverError* error) {
  Die(fmt::format("error {} of the core at block {}, item {}: {} ({})",
                  static_cast<int>(error->code), error->block, error->item, error->detail,
                  error->value));
}

}  // namespace

void IndexPages::Append(const uint8_t* page) {
  pages_.push_back(std::make_unique_for_overwrite<Bytes>());
  std::memcpy(pages_.back()->bytes, page, QUIVER_BLOCK_SIZE);
}

PageStore::PageStore(const IndexPages* pages, OperationMemory* memory)
    : pages_(pages), memory_(memory), callbacks_{} {
  callbacks_.context = this;
  callbacks_.block_count = [](void* context) { return Of(context)->pages_->count(); };
  callbacks_.read = [](void* context, uint32_t block, QuiverPin* pin) {
    *pin = {.block = block, .handle = 0, .exclusive = false, .edited = nullptr};
    PageStore* self = Of(context);
    if (self->counting_) self->Count(block);
    return self->pages_->Page(block);
  };
  callbacks_.lock = [](void*, uint32_t, QuiverPin*) -> const uint8_t* { RefuseChange(); };
  callbacks_.release = [](void*, QuiverPin*) {};
  callbacks_.extend = [](void*, uint32_t, QuiverPin*) -> const uint8_t* { RefuseChange(); };
  callbacks_.note_free = [](void*, uint32_t) { RefuseChange(); };
  callbacks_.begin = [](void*) { RefuseChange(); };
  callbacks_.edit = [](void*, QuiverPin*, bool) -> uint8_t* { RefuseChange(); };
  callbacks_.commit = [](void*) { RefuseChange(); };
  callbacks_.prefetch = [](void* context, uint32_t block, uint32_t offset, uint32_t bytes) {
    const IndexPages* pages = Of(context)->pages_;
    if (block >= pages->count()) return;
    const uint8_t* page = pages->Page(block);
    __builtin_prefetch(page);
    for (uint32_t at = 0; at < bytes && offset + at < QUIVER_BLOCK_SIZE; at += 64)
      __builtin_prefetch(page + offset + at);
  };
  callbacks_.poll = [](void*) {};
  callbacks_.allocate = [](void* context, size_t bytes) {
    return Of(context)->memory_->Allocate(bytes);
  };
  callbacks_.get_target = [](void*) { return QUIVER_INVALID_BLOCK; };
  callbacks_.set_target = [](void*, uint32_t) { RefuseChange(); };
  callbacks_.fail = Report;
}

void PageStore::BeginDistinct() {
  counting_ = true;
  turn_++;
  turns_.resize(pages_->count());
}

void PageStore::Count(uint32_t block) {
  if (turns_[block] == turn_) return;
  turns_[block] = turn_;
  distinct_++;
}

}  // namespace quiver::bench
