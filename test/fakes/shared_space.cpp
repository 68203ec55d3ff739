#include "fakes/shared_space.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "graph/build_space.h"

namespace quiver::fakes {

namespace {

SharedSpace* Space(void* context) {
  return static_cast<SharedSpace*>(context);
}

[[noreturn]] void Misused(const char* what, uint64_t offset, uint64_t bytes) {
  fprintf(stderr, "shared space: %s (offset %llx, %llu bytes)\n", what,
          static_cast<unsigned long long>(offset), static_cast<unsigned long long>(bytes));
  abort();
}

}  // namespace

SharedSpace::SharedSpace() : callbacks_() {
  callbacks_.context = this;
  callbacks_.reserve = [](void* context, uint64_t offset, uint64_t bytes) {
    return Space(context)->Reserve(offset, bytes);
  };
  callbacks_.map = [](void* context, uint64_t offset, uint64_t bytes) {
    return Space(context)->Map(offset, bytes);
  };
  callbacks_.release = [](void* context, uint64_t offset, uint64_t bytes) {
    Space(context)->Release(offset, bytes);
  };
  callbacks_.forget = [](void* context, uint64_t offset, uint64_t bytes) {
    Space(context)->Forget(offset, bytes);
  };
  callbacks_.load = [](void* context, uint64_t offset, uint64_t bytes, void* into) {
    const std::lock_guard<std::mutex> guard(Space(context)->mutex_);
    memcpy(into, Space(context)->OnDisk(offset, bytes), bytes);
    Space(context)->loads_++;
  };
  callbacks_.save = [](void* context, uint64_t offset, uint64_t bytes, const void* from) {
    const std::lock_guard<std::mutex> guard(Space(context)->mutex_);
    memcpy(Space(context)->OnDisk(offset, bytes), from, bytes);
    Space(context)->saves_++;
  };
  callbacks_.wait = [](void* context, uint32_t) {
    Space(context)->waits_++;
    if (Space(context)->at_wait_) Space(context)->at_wait_();
    std::this_thread::yield();
  };
}

bool SharedSpace::Reserve(uint64_t offset, uint64_t bytes) {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (offset % kSpaceGrain != 0 || bytes % kSpaceGrain != 0 || bytes == 0)
    Misused("not whole grains", offset, bytes);
  const auto next = pieces_.lower_bound(offset);
  if ((next != pieces_.end() && next->first < offset + bytes) ||
      (next != pieces_.begin() && std::prev(next)->first + std::prev(next)->second.bytes > offset))
    Misused("reserved twice", offset, bytes);
  if (++reservations_ == fail_at_) return false;
  Piece piece = {bytes, std::make_unique_for_overwrite<uint8_t[]>(bytes)};
  memset(piece.memory.get(), 0xA5, bytes);  // nobody may take it for zero
  pieces_.emplace(offset, std::move(piece));
  held_[offset >> kRegionShift] += bytes;
  if (offset < QUIVER_SPACE_ON_DISK) all_held_ += bytes;
  peak_ = std::max(peak_, all_held_);
  return true;
}

void* SharedSpace::Map(uint64_t offset, uint64_t bytes) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto piece = pieces_.find(offset);
  if (piece == pieces_.end() || piece->second.bytes != bytes)
    Misused("mapped, but not reserved", offset, bytes);
  return piece->second.memory.get();
}

void SharedSpace::Release(uint64_t offset, uint64_t bytes) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto piece = pieces_.find(offset);
  if (piece == pieces_.end() || piece->second.bytes != bytes)
    Misused("released, but not reserved", offset, bytes);
  pieces_.erase(piece);
  held_[offset >> kRegionShift] -= bytes;
  if (offset < QUIVER_SPACE_ON_DISK) all_held_ -= bytes;
}

void SharedSpace::Forget(uint64_t offset, uint64_t bytes) {
  const std::lock_guard<std::mutex> guard(mutex_);
  OnDisk(offset, bytes);
  forgotten_++;
}

// A part of a piece.
uint8_t* SharedSpace::OnDisk(uint64_t offset, uint64_t bytes) {
  auto piece = pieces_.upper_bound(offset);
  if (offset < QUIVER_SPACE_ON_DISK || piece == pieces_.begin() ||
      (--piece)->first + piece->second.bytes < offset + bytes)
    Misused("not on disk, or not reserved", offset, bytes);
  return piece->second.memory.get() + (offset - piece->first);
}

}  // namespace quiver::fakes
