// A QuiverSpace that threads share, and that checks how it is used: what is mapped or released
// has been reserved, as a whole.
#ifndef QUIVER_FAKES_SHARED_SPACE_H
#define QUIVER_FAKES_SHARED_SPACE_H

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "core_api.h"

namespace quiver::fakes {

class SharedSpace {
 public:
  SharedSpace();
  SharedSpace(const SharedSpace&) = delete;
  SharedSpace& operator=(const SharedSpace&) = delete;

  const QuiverSpace* callbacks() const { return &callbacks_; }

  // The n-th reservation from now on (1: the next) finds no memory.
  void FailAt(uint64_t n) { fail_at_ = reservations_ + n; }
  uint64_t reservations() const { return reservations_; }
  // Bytes reserved and not released, of a region (graph/build_space.h), and the most
  // there were in memory in all.
  uint64_t held(uint64_t region) { return held_[region]; }
  uint64_t peak() const { return peak_; }
  // What has been asked of what lies on disk.
  uint64_t forgotten() const { return forgotten_; }
  uint64_t loads() const { return loads_; }
  uint64_t saves() const { return saves_; }
  // Called in each wait, by whoever waits.
  void set_at_wait(std::function<void()> hook) { at_wait_ = std::move(hook); }
  uint64_t waits() const { return waits_; }

 private:
  struct Piece {
    uint64_t bytes;
    std::unique_ptr<uint8_t[]> memory;
  };

  bool Reserve(uint64_t offset, uint64_t bytes);
  void* Map(uint64_t offset, uint64_t bytes);
  void Release(uint64_t offset, uint64_t bytes);
  void Forget(uint64_t offset, uint64_t bytes);
  uint8_t* OnDisk(uint64_t offset, uint64_t bytes);

  QuiverSpace callbacks_;
  std::mutex mutex_;
  std::map<uint64_t, Piece> pieces_;
  uint64_t reservations_ = 0;
  uint64_t fail_at_ = 0;
  std::map<uint64_t, uint64_t> held_;  // by region
  uint64_t all_held_ = 0;
  uint64_t peak_ = 0;
  uint64_t forgotten_ = 0;
  uint64_t loads_ = 0;
  uint64_t saves_ = 0;
  std::function<void()> at_wait_;
  std::atomic<uint64_t> waits_ = 0;
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_SHARED_SPACE_H
