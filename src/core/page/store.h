// The page store as the core sees it: QuiverStore (core_api.h) with types.
#ifndef QUIVER_PAGE_STORE_H
#define QUIVER_PAGE_STORE_H

#include "base/arena.h"
#include "core_api.h"

namespace quiver {

// A handle; copying it copies two pointers.  Contracts are core_api.h's.
class Store {
 public:
  explicit Store(const QuiverStore* store) : store_(store) {}

  uint32_t BlockCount() const { return store_->block_count(store_->context); }
  const uint8_t* Read(uint32_t block, QuiverPin* pin) const {
    return store_->read(store_->context, block, pin);
  }
  const uint8_t* Lock(uint32_t block, QuiverPin* pin) const {
    return store_->lock(store_->context, block, pin);
  }
  void Release(QuiverPin* pin) const { store_->release(store_->context, pin); }
  const uint8_t* Extend(uint32_t above, QuiverPin* pin) const {
    return store_->extend(store_->context, above, pin);
  }
  void NoteFree(uint32_t block) const { store_->note_free(store_->context, block); }

  void Begin() const { store_->begin(store_->context); }
  uint8_t* Edit(QuiverPin* pin, bool fresh = false) const {
    return store_->edit(store_->context, pin, fresh);
  }
  void Commit() const { store_->commit(store_->context); }

  uint64_t Version(const QuiverPin& pin) const { return store_->version(store_->context, &pin); }
  void SetHints(QuiverPin* pin, size_t offset, const uint8_t* bits, size_t bytes) const {
    store_->set_hints(store_->context, pin, static_cast<uint32_t>(offset), bits,
                      static_cast<uint32_t>(bytes));
  }

  void Prefetch(uint32_t block, size_t offset, size_t bytes) const {
    if (store_->prefetch != nullptr)
      store_->prefetch(store_->context, block, static_cast<uint32_t>(offset),
                       static_cast<uint32_t>(bytes));
  }
  void Poll() const { store_->poll(store_->context); }
  uint32_t Target() const { return store_->get_target(store_->context); }
  void SetTarget(uint32_t block) const { store_->set_target(store_->context, block); }

  Allocator MakeAllocator() const { return Allocator{store_->context, store_->allocate}; }

  [[noreturn]] void Fail(QuiverErrorCode code, uint32_t block, int item, const char* detail,
                         uint64_t value = 0) const {
    const QuiverError error = {code, block, item, detail, value};
    store_->fail(store_->context, &error);
    __builtin_trap();
  }
  [[noreturn]] void Corrupted(uint32_t block, const char* detail, uint64_t value = 0) const {
    Fail(QUIVER_ERROR_CORRUPTED, block, -1, detail, value);
  }

 private:
  const QuiverStore* store_;
};

}  // namespace quiver

#endif  // QUIVER_PAGE_STORE_H
