// A QuiverStore over a MemoryFile that checks its contract (core_api.h) at every
// call: locks and their order, records, pins, what may be called when.
//
// One MemoryStore is one operation of one session: its memory goes with it.  A
// broken rule is a violation: it is noted, and a store that is destroyed with
// violations nobody has taken ends the program.
#ifndef QUIVER_FAKES_MEMORY_STORE_H
#define QUIVER_FAKES_MEMORY_STORE_H

#include <csetjmp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fakes/interleaver.h"
#include "fakes/memory_file.h"

namespace quiver::fakes {

// What Run returns (as detail) when a fault was injected, and when an operation
// took more memory than set_memory_limit allows.
extern const char kInjected[];
extern const char kOutOfMemory[];

class MemoryStore {
 public:
  explicit MemoryStore(MemoryFile* file, Interleaver* interleaver = nullptr);
  ~MemoryStore();
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  const QuiverStore* callbacks() const { return &callbacks_; }

  // Calls `body`; the error where it ended by fail or by an injected fault, with
  // locks and open record dropped, as PostgreSQL's abort does.  What `body` puts
  // on the stack must not need its destructors then.
  template <class Body>
  std::optional<QuiverError> Run(const Body& body) {
    return RunBody([](void* context) { (*static_cast<const Body*>(context))(); },
                   const_cast<Body*>(&body));
  }

  // The n-th callback from now on (1: the next) fails before it does anything.
  void FailAt(uint64_t n) { fail_at_ = calls_ + n; }
  uint64_t calls() const { return calls_; }

  // Called after each commit; the file may be copied then.
  void set_after_commit(std::function<void()> hook) { after_commit_ = std::move(hook); }
  // Called at each poll, where no lock is held: other operations may run in it.
  void set_at_poll(std::function<void()> hook) { at_poll_ = std::move(hook); }
  // Largest sum of allocations before the operation fails as out of memory.
  void set_memory_limit(size_t bytes) { memory_limit_ = bytes; }

  size_t allocated() const { return allocated_; }
  uint64_t reads() const { return reads_; }
  uint64_t records() const { return records_; }
  // Pages that hints were set on.
  uint64_t hinted() const { return hinted_; }
  void set_target(uint32_t block) { target_ = block; }
  uint32_t target() const { return target_; }

  std::vector<std::string> TakeViolations();

 private:
  struct Held {
    uint32_t block;
    bool exclusive;
    std::unique_ptr<std::vector<uint8_t>> image;  // within a record
    bool fresh = false;                           // of the image
  };

  std::optional<QuiverError> RunBody(void (*body)(void*), void* context);
  void FillCallbacks();
  void Enter(const char* callback, bool allowed_in_record = false);
  [[noreturn]] void Leave(const QuiverError& error);
  [[noreturn]] void LeaveInternal(const char* detail);
  void Violation(const std::string& text);
  const uint8_t* Acquire(uint32_t block, bool exclusive, QuiverPin* pin);
  const uint8_t* Hold(uint32_t block, bool exclusive, QuiverPin* pin);
  void CheckOrder(uint32_t block);
  Held* Find(uint32_t block);
  void DropAll();
  uint8_t* Edit(QuiverPin* pin, bool fresh);
  void Commit();
  void CommitPage(const Held& held);
  uint64_t Version(const QuiverPin& pin);
  void SetHints(const QuiverPin& pin, uint32_t offset, const uint8_t* bits, uint32_t bytes);
  void* Allocate(size_t bytes);

  QuiverStore callbacks_;
  MemoryFile* file_;
  Interleaver* interleaver_;
  std::vector<Held> held_;
  bool record_open_ = false;
  bool running_ = false;
  jmp_buf jump_;
  QuiverError error_ = {};

  uint64_t calls_ = 0;
  uint64_t fail_at_ = 0;
  uint64_t reads_ = 0;
  uint64_t records_ = 0;
  uint64_t hinted_ = 0;
  uint32_t target_ = QUIVER_INVALID_BLOCK;
  size_t allocated_ = 0;
  size_t memory_limit_ = size_t{1} << 30;
  std::vector<std::unique_ptr<uint8_t[]>> memory_;
  std::function<void()> after_commit_;
  std::function<void()> at_poll_;
  std::vector<std::string> violations_;
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_MEMORY_STORE_H
