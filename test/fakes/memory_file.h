// The pages of an index in memory, and their content locks.
#ifndef QUIVER_FAKES_MEMORY_FILE_H
#define QUIVER_FAKES_MEMORY_FILE_H

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core_api.h"

namespace quiver::fakes {

// Is told of all that happens to the pages of a file, in order: crash_disk.h.
class PageLog {
 public:
  struct RecordPage {
    uint32_t block;
    bool fresh;  // logged whole
  };

  virtual ~PageLog() = default;
  // A record is about to change pages, which are as they were.
  virtual void BeforeRecord() = 0;
  virtual void Record(const std::vector<RecordPage>& pages) = 0;
  // Hints have been set on a page; true where that has logged an image of it.
  virtual bool Hints(uint32_t block) = 0;
};

class MemoryFile {
 public:
  MemoryFile() = default;
  // The pages alone: what a crash leaves behind, since locks die with the server.
  MemoryFile(const MemoryFile& other);
  MemoryFile& operator=(const MemoryFile&) = delete;

  uint32_t block_count() const { return static_cast<uint32_t>(blocks_.size()); }

  // Adds a page of zeros, or a copy of `page`; its block.
  uint32_t Extend(const uint8_t* page = nullptr);

  // The map of free pages, a hint that a copy of the file is without.
  void NoteFree(uint32_t block) { free_.insert(block); }
  // Takes a page out of it that lies above a block, is free and not locked.
  std::optional<uint32_t> TakeFree(uint32_t above);

  // A copy of a page, whoever has it locked.
  std::vector<uint8_t> Copy(uint32_t block) const;
  // Puts bytes of a page there, past all rules: damage, or a committed record.
  void Overwrite(uint32_t block, size_t offset, const void* bytes, size_t count);

  // Under AddressSanitizer a page can be touched only while somebody holds it.
  // False where another session's lock forbids it.
  bool TryLock(uint32_t block, bool exclusive);
  void Unlock(uint32_t block, bool exclusive);
  // REQUIRES: locked.
  const uint8_t* Bytes(uint32_t block) const { return blocks_[block].bytes.get(); }

  // Whether records are logged: then each moves the LSN of its pages.
  void set_logged(bool logged) { logged_ = logged; }
  bool logged() const { return logged_; }
  uint64_t lsn(uint32_t block) const { return blocks_[block].lsn; }
  void MoveLsn(uint32_t block) { blocks_[block].lsn = ++last_lsn_; }
  // Of this file alone, not of copies.
  void set_log(PageLog* log) { log_ = log; }
  PageLog* log() const { return log_; }

 private:
  struct Block {
    Block();
    Block(Block&&) = default;
    ~Block();

    std::unique_ptr<uint8_t[]> bytes;
    uint64_t lsn = 0;
    int readers = 0;
    bool writer = false;
  };
  std::vector<Block> blocks_;
  std::set<uint32_t> free_;
  bool logged_ = true;
  uint64_t last_lsn_ = 0;
  PageLog* log_ = nullptr;
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_MEMORY_FILE_H
