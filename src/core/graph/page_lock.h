// Locks of the pages of a build: shared or exclusive, four bytes, spinning.
//
// Locks are held for a microsecond, and hardly ever wanted by two at once.  Who holds one may
// have left by an error: that ends the whole build, and who waits is told by BuildSpace::Wait.
#ifndef QUIVER_GRAPH_PAGE_LOCK_H
#define QUIVER_GRAPH_PAGE_LOCK_H

#include <atomic>

#include "graph/build_space.h"

namespace quiver {

// Over a word in shared memory, 0 when nobody has it.
class PageLock {
 public:
  explicit PageLock(uint32_t* word) : word_(*word) {}

  void Share(const BuildSpace& space) const {
    if ((word_.fetch_add(1, std::memory_order_acquire) & (kExclusive | kWanted)) != 0)
      ShareSlowly(space);
  }
  void Lock(const BuildSpace& space) const {
    uint32_t free = 0;
    if (!word_.compare_exchange_strong(free, kExclusive, std::memory_order_acquire,
                                       std::memory_order_relaxed))
      LockSlowly(space);
  }
  // False where anybody has it.
  bool TryLock() const {
    uint32_t free = 0;
    return word_.compare_exchange_strong(free, kExclusive, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  void Unshare() const { word_.fetch_sub(1, std::memory_order_release); }
  void Unlock() const { word_.fetch_and(~kExclusive, std::memory_order_release); }

 private:
  static constexpr uint32_t kExclusive = 1u << 31;
  static constexpr uint32_t kWanted = 1u << 30;  // for writing: new readers wait
  // Below: how many read, or are about to see that they may not.

  void ShareSlowly(const BuildSpace& space) const;
  void LockSlowly(const BuildSpace& space) const;

  std::atomic_ref<uint32_t> word_;
};

inline void PauseCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// One step of waiting in a loop.
inline void SpinOrWait(const BuildSpace& space, uint32_t* tries) {
  constexpr uint32_t kSpins = 100;
  if (++*tries > kSpins)
    space.Wait(*tries - kSpins);
  else
    PauseCpu();
}

}  // namespace quiver

#endif  // QUIVER_GRAPH_PAGE_LOCK_H
