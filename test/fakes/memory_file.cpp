#include "fakes/memory_file.h"

#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#define QUIVER_FAKES_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QUIVER_FAKES_ASAN 1
#endif
#endif
#ifdef QUIVER_FAKES_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address))
#endif

namespace quiver::fakes {

MemoryFile::Block::Block() : bytes(new uint8_t[QUIVER_BLOCK_SIZE]()) {
  ASAN_POISON_MEMORY_REGION(bytes.get(), QUIVER_BLOCK_SIZE);
}

MemoryFile::Block::~Block() {
  if (bytes != nullptr) ASAN_UNPOISON_MEMORY_REGION(bytes.get(), QUIVER_BLOCK_SIZE);
}

MemoryFile::MemoryFile(const MemoryFile& other)
    : logged_(other.logged_), last_lsn_(other.last_lsn_) {
  for (uint32_t block = 0; block < other.block_count(); block++) {
    Extend(other.Copy(block).data());
    blocks_[block].lsn = other.lsn(block);
  }
}

uint32_t MemoryFile::Extend(const uint8_t* page) {
  blocks_.emplace_back();
  const uint32_t block = block_count() - 1;
  if (page != nullptr) Overwrite(block, 0, page, QUIVER_BLOCK_SIZE);
  return block;
}

std::optional<uint32_t> MemoryFile::TakeFree(uint32_t above) {
  for (auto at = free_.upper_bound(above); at != free_.end(); at = free_.erase(at)) {
    const uint32_t block = *at;
    if (block >= block_count()) continue;  // the map lies, as after a crash
    const Block& page = blocks_.at(block);
    if (page.writer || page.readers > 0 || !quiver_page_is_free(Copy(block).data())) continue;
    free_.erase(at);
    return block;
  }
  return std::nullopt;
}

std::vector<uint8_t> MemoryFile::Copy(uint32_t block) const {
  const Block& from = blocks_.at(block);
  ASAN_UNPOISON_MEMORY_REGION(from.bytes.get(), QUIVER_BLOCK_SIZE);
  std::vector<uint8_t> copy(from.bytes.get(), from.bytes.get() + QUIVER_BLOCK_SIZE);
  if (from.readers == 0 && !from.writer)
    ASAN_POISON_MEMORY_REGION(from.bytes.get(), QUIVER_BLOCK_SIZE);
  return copy;
}

void MemoryFile::Overwrite(uint32_t block, size_t offset, const void* bytes, size_t count) {
  Block& to = blocks_.at(block);
  ASAN_UNPOISON_MEMORY_REGION(to.bytes.get(), QUIVER_BLOCK_SIZE);
  memcpy(to.bytes.get() + offset, bytes, count);
  if (to.readers == 0 && !to.writer) ASAN_POISON_MEMORY_REGION(to.bytes.get(), QUIVER_BLOCK_SIZE);
}

bool MemoryFile::TryLock(uint32_t block, bool exclusive) {
  Block& page = blocks_[block];
  if (page.writer || (exclusive && page.readers > 0)) return false;
  if (exclusive)
    page.writer = true;
  else
    page.readers++;
  ASAN_UNPOISON_MEMORY_REGION(page.bytes.get(), QUIVER_BLOCK_SIZE);
  return true;
}

void MemoryFile::Unlock(uint32_t block, bool exclusive) {
  Block& page = blocks_[block];
  if (exclusive)
    page.writer = false;
  else
    page.readers--;
  if (page.readers == 0) ASAN_POISON_MEMORY_REGION(page.bytes.get(), QUIVER_BLOCK_SIZE);
}

}  // namespace quiver::fakes
