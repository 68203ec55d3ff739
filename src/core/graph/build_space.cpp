#include "graph/build_space.h"

#include <algorithm>

namespace quiver {

static_assert(QUIVER_SPACE_ON_DISK >> 63 == 0, "offsets are those of files: 63 bits");

PrivateSpace::PrivateSpace(const QuiverStore* store)
    : allocator_{store->context, store->allocate},
      space_(),
      pieces_{ArenaVector<Piece>(&allocator_), ArenaVector<Piece>(&allocator_),
              ArenaVector<Piece>(&allocator_), ArenaVector<Piece>(&allocator_),
              ArenaVector<Piece>(&allocator_)} {
  static_assert(kUnboundedRegions == 5);
  space_.context = this;
  space_.reserve = [](void* context, uint64_t offset, uint64_t bytes) {
    auto* self = static_cast<PrivateSpace*>(context);
    self->pieces_[offset >> kRegionShift].PushBack(
        {offset, AllocateArray<uint8_t>(&self->allocator_, bytes)});
    return true;
  };
  space_.map = [](void* context, uint64_t offset, uint64_t) -> void* {
    ArenaVector<Piece>& pieces =
        static_cast<PrivateSpace*>(context)->pieces_[offset >> kRegionShift];
    return std::lower_bound(pieces.begin(), pieces.end(), offset,
                            [](const Piece& piece, uint64_t at) { return piece.offset < at; })
        ->bytes;
  };
  space_.release = [](void*, uint64_t, uint64_t) {};
  space_.forget = [](void*, uint64_t, uint64_t) {};
  space_.load = [](void*, uint64_t, uint64_t, void*) {};
  space_.save = [](void*, uint64_t, uint64_t, const void*) {};
  space_.wait = [](void*, uint32_t) {};
}

}  // namespace quiver
