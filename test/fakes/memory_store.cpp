#include "fakes/memory_store.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "page/hints.h"

namespace quiver::fakes {

const char kInjected[] = "injected fault";
const char kOutOfMemory[] = "out of memory";

namespace {

MemoryStore* Self(void* context) {
  return static_cast<MemoryStore*>(context);
}

// Memory is handed out full of this, so that nothing relies on zeros.
constexpr uint8_t kGarbage = 0xCD;

}  // namespace

MemoryStore::MemoryStore(MemoryFile* file, Interleaver* interleaver)
    : file_(file), interleaver_(interleaver) {
  FillCallbacks();
}

MemoryStore::~MemoryStore() {
  DropAll();
  if (violations_.empty()) return;
  for (const std::string& text : violations_)
    fprintf(stderr, "page store contract broken: %s\n", text.c_str());
  abort();
}

void MemoryStore::FillCallbacks() {
  callbacks_ = {};
  callbacks_.context = this;
  callbacks_.block_count = [](void* context) {
    Self(context)->Enter("block_count");
    return Self(context)->file_->block_count();
  };
  callbacks_.read = [](void* context, uint32_t block, QuiverPin* pin) {
    Self(context)->Enter("read");
    Self(context)->reads_++;
    return Self(context)->Acquire(block, false, pin);
  };
  callbacks_.lock = [](void* context, uint32_t block, QuiverPin* pin) {
    Self(context)->Enter("lock");
    return Self(context)->Acquire(block, true, pin);
  };
  callbacks_.release = [](void* context, QuiverPin* pin) {
    MemoryStore* self = Self(context);
    self->Enter("release");
    Held* held = self->Find(pin->block);
    if (held == nullptr) {
      self->Violation("release of block " + std::to_string(pin->block) + ", which is not held");
      return;
    }
    self->file_->Unlock(held->block, held->exclusive);
    self->held_.erase(self->held_.begin() + (held - self->held_.data()));
    if (self->interleaver_ != nullptr) self->interleaver_->Wake();
  };
  callbacks_.extend = [](void* context, uint32_t above, QuiverPin* pin) {
    MemoryStore* self = Self(context);
    self->Enter("extend");
    const std::optional<uint32_t> free =
        above == QUIVER_INVALID_BLOCK ? std::nullopt : self->file_->TakeFree(above);
    return self->Hold(free.has_value() ? *free : self->file_->Extend(), true, pin);
  };
  callbacks_.note_free = [](void* context, uint32_t block) {
    MemoryStore* self = Self(context);
    self->Enter("note_free");
    if (!self->held_.empty()) self->Violation("note_free with a page locked");
    self->file_->NoteFree(block);
  };
  callbacks_.begin = [](void* context) {
    MemoryStore* self = Self(context);
    self->Enter("begin");
    self->record_open_ = true;
  };
  callbacks_.edit = [](void* context, QuiverPin* pin, bool fresh) {
    Self(context)->Enter("edit", true);
    return Self(context)->Edit(pin, fresh);
  };
  callbacks_.commit = [](void* context) {
    Self(context)->Enter("commit", true);
    Self(context)->Commit();
  };
  callbacks_.version = [](void* context, const QuiverPin* pin) {
    Self(context)->Enter("version");
    return Self(context)->Version(*pin);
  };
  callbacks_.set_hints = [](void* context, QuiverPin* pin, uint32_t offset, const uint8_t* bits,
                            uint32_t bytes) {
    Self(context)->Enter("set_hints");
    Self(context)->SetHints(*pin, offset, bits, bytes);
  };
  callbacks_.prefetch = [](void* context, uint32_t, uint32_t, uint32_t) {
    Self(context)->Enter("prefetch");
  };
  callbacks_.poll = [](void* context) {
    MemoryStore* self = Self(context);
    self->Enter("poll");
    if (!self->held_.empty()) self->Violation("poll with a page locked");
    if (self->at_poll_) self->at_poll_();
  };
  callbacks_.allocate = [](void* context, size_t bytes) {
    Self(context)->Enter("allocate");
    return Self(context)->Allocate(bytes);
  };
  callbacks_.get_target = [](void* context) {
    Self(context)->Enter("get_target");
    return Self(context)->target_;
  };
  callbacks_.set_target = [](void* context, uint32_t block) {
    Self(context)->Enter("set_target");
    Self(context)->target_ = block;
  };
  callbacks_.fail = [](void* context, const QuiverError* error) { Self(context)->Leave(*error); };
}

std::optional<QuiverError> MemoryStore::RunBody(void (*body)(void*), void* context) {
  if (running_) Violation("an operation within itself");
  running_ = true;
  const bool failed = setjmp(jump_) != 0;
  if (!failed) {
    body(context);
    if (!held_.empty()) Violation("ended with block " + std::to_string(held_[0].block) + " locked");
    if (record_open_) Violation("ended with an open record");
  }
  DropAll();
  running_ = false;
  if (failed) return error_;
  return std::nullopt;
}

void MemoryStore::DropAll() {
  for (const Held& held : held_) file_->Unlock(held.block, held.exclusive);
  held_.clear();
  record_open_ = false;
  if (interleaver_ != nullptr && running_) interleaver_->Wake();
}

void MemoryStore::Leave(const QuiverError& error) {
  error_ = error;
  if (!running_) {
    fprintf(stderr, "error outside of Run: %s\n", error.detail);
    abort();
  }
  longjmp(jump_, 1);
}

void MemoryStore::LeaveInternal(const char* detail) {
  Leave({QUIVER_ERROR_INTERNAL, QUIVER_INVALID_BLOCK, -1, detail, 0});
}

void MemoryStore::Violation(const std::string& text) {
  violations_.push_back(text);
}

std::vector<std::string> MemoryStore::TakeViolations() {
  std::vector<std::string> taken;
  taken.swap(violations_);
  return taken;
}

// Every callback but fail begins here.
void MemoryStore::Enter(const char* callback, bool allowed_in_record) {
  if (record_open_ != allowed_in_record)
    Violation(std::string(callback) + (record_open_ ? " within a record" : " outside of a record"));
  if (++calls_ == fail_at_) LeaveInternal(kInjected);
  if (interleaver_ != nullptr) interleaver_->Pause();
}

MemoryStore::Held* MemoryStore::Find(uint32_t block) {
  const auto at = std::find_if(held_.begin(), held_.end(),
                               [block](const Held& held) { return held.block == block; });
  return at == held_.end() ? nullptr : &*at;
}

const uint8_t* MemoryStore::Acquire(uint32_t block, bool exclusive, QuiverPin* pin) {
  if (block >= file_->block_count()) {
    Violation("block " + std::to_string(block) + " lies beyond the end of the file");
    LeaveInternal("block beyond the end of the file");
  }
  if (Find(block) != nullptr) {
    Violation("block " + std::to_string(block) + " locked twice: waits for itself");
    LeaveInternal("self-deadlock");
  }
  CheckOrder(block);
  return Hold(block, exclusive, pin);
}

// Waits for the lock; of a page that nobody uses nobody has it.
const uint8_t* MemoryStore::Hold(uint32_t block, bool exclusive, QuiverPin* pin) {
  while (!file_->TryLock(block, exclusive)) {
    if (interleaver_ == nullptr || !interleaver_->Block()) {
      Violation("deadlock at block " + std::to_string(block));
      LeaveInternal("deadlock");
    }
  }
  held_.push_back({block, exclusive, nullptr, false});
  *pin = {block, static_cast<int32_t>(block) + 1, exclusive, nullptr};
  return file_->Bytes(block);
}

// Meta, then list pages, then all others by ascending block: since a list page
// never lies above a node, that is by ascending block, whatever the pages hold.
void MemoryStore::CheckOrder(uint32_t block) {
  for (const Held& held : held_)
    if (held.block > block)
      Violation("block " + std::to_string(block) + " locked after block " +
                std::to_string(held.block) + ", against the order");
}

uint8_t* MemoryStore::Edit(QuiverPin* pin, bool fresh) {
  Held* held = Find(pin->block);
  if (held == nullptr || !held->exclusive) {
    Violation("edit of block " + std::to_string(pin->block) + ", which is not locked exclusively");
    LeaveInternal("edit without lock");
  }
  if (held->image == nullptr) {
    const uint8_t* page = file_->Bytes(held->block);
    held->image = std::make_unique<std::vector<uint8_t>>(page, page + QUIVER_BLOCK_SIZE);
  }
  held->fresh |= fresh;
  pin->edited = held->image->data();
  return pin->edited;
}

void MemoryStore::Commit() {
  std::vector<PageLog::RecordPage> pages;
  if (file_->log() != nullptr) file_->log()->BeforeRecord();
  for (Held& held : held_) {
    if (held.image == nullptr) continue;
    // Recovery takes a page without a header for one that is missing.
    if (!held.fresh && IsNewPage(file_->Bytes(held.block)))
      Violation("the first record on block " + std::to_string(held.block) + " is not fresh");
    pages.push_back({held.block, held.fresh});
    CommitPage(held);
    held.image.reset();
    held.fresh = false;
  }
  if (pages.empty()) Violation("a record without pages");
  if (pages.size() > QUIVER_MAX_RECORD_PAGES)
    Violation("a record of " + std::to_string(pages.size()) + " pages");
  if (file_->log() != nullptr) file_->log()->Record(pages);
  record_open_ = false;
  records_++;
  if (after_commit_) after_commit_();
}

uint64_t MemoryStore::Version(const QuiverPin& pin) {
  if (Find(pin.block) == nullptr) {
    Violation("version of block " + std::to_string(pin.block) + ", which is not held");
    return 0;
  }
  return file_->logged() ? file_->lsn(pin.block) : quiver_page_counter(file_->Bytes(pin.block));
}

void MemoryStore::SetHints(const QuiverPin& pin, uint32_t offset, const uint8_t* bits,
                           uint32_t bytes) {
  const std::string name = "hints on block " + std::to_string(pin.block);
  if (Find(pin.block) == nullptr) {
    Violation(name + ", which is not held");
    LeaveInternal("hints without lock");
  }
  const uint8_t* page = file_->Bytes(pin.block);
  const size_t lower = PageAt<PageHeader>(page, 0)->lower;
  if (offset < lower || bytes > kCounterOffset || offset > kCounterOffset - bytes) {
    Violation(name + " outside of its hole");
    LeaveInternal("hints outside of the hole");
  }
  std::vector<uint8_t> after(page + offset, page + offset + bytes);
  for (uint32_t i = 0; i < bytes; i++) after[i] |= bits[i];
  // Another session, which has the page as well, may have set them since they were looked at.
  if (memcmp(page + offset, after.data(), bytes) == 0 && interleaver_ == nullptr)
    Violation(name + " that it has");
  file_->Overwrite(pin.block, offset, after.data(), bytes);
  if (file_->log() != nullptr && file_->log()->Hints(pin.block)) file_->MoveLsn(pin.block);
  hinted_++;
}

// As generic WAL does: the hole is zero afterwards, where it logs; else what the
// image has.
void MemoryStore::CommitPage(const Held& held) {
  uint8_t* image = held.image->data();
  const PageHeader header = *PageAt<PageHeader>(image, 0);
  const std::string name = "record leaves block " + std::to_string(held.block);
  if (header.lower < kPageHeaderBytes || header.lower > header.upper ||
      header.upper > header.special || header.special > kPageBytes) {
    Violation(name + " with damaged bounds");
    LeaveInternal("damaged bounds");
  }
  const uint8_t* before = file_->Bytes(held.block);
  if (memcmp(image, before, kPageBytes) == 0) Violation(name + " as it was");
  // Stale pointers rely on it.
  if (IsSoundPage(before) && Special(image)->generation < Special(before)->generation)
    Violation(name + " with a lower generation counter");
  if (file_->logged()) {
    memset(image + header.lower, 0, size_t{header.upper} - header.lower);
    file_->MoveLsn(held.block);
  } else {
    quiver_page_count_change(image, file_->Bytes(held.block));
  }
  file_->Overwrite(held.block, 0, image, kPageBytes);
}

void* MemoryStore::Allocate(size_t bytes) {
  for (const Held& held : held_)
    if (held.exclusive) Violation("allocate with a page locked exclusively");
  if (bytes > memory_limit_ - allocated_) LeaveInternal(kOutOfMemory);
  allocated_ += bytes;
  memory_.emplace_back(new uint8_t[bytes]);
  memset(memory_.back().get(), kGarbage, bytes);
  return memory_.back().get();
}

}  // namespace quiver::fakes
