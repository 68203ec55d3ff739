#include "graph/page_lock.h"

namespace quiver {

void PageLock::ShareSlowly(const BuildSpace& space) const {
  uint32_t tries = 0;
  do {
    Unshare();
    while ((word_.load(std::memory_order_relaxed) & (kExclusive | kWanted)) != 0)
      SpinOrWait(space, &tries);
  } while ((word_.fetch_add(1, std::memory_order_acquire) & (kExclusive | kWanted)) != 0);
}

void PageLock::LockSlowly(const BuildSpace& space) const {
  uint32_t tries = 0;
  for (;;) {
    uint32_t now = word_.load(std::memory_order_relaxed);
    if ((now & ~kWanted) == 0) {
      // Clears the wish of others too: they utter it again.
      if (word_.compare_exchange_weak(now, kExclusive, std::memory_order_acquire,
                                      std::memory_order_relaxed))
        return;
      continue;
    }
    if ((now & kWanted) == 0) word_.fetch_or(kWanted, std::memory_order_relaxed);
    SpinOrWait(space, &tries);
  }
}

}  // namespace quiver
