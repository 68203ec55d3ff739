#include "graph/twins.h"

namespace quiver {

namespace {

constexpr uint64_t kFewestCells = 64;
constexpr int kNumberShift = 32;
constexpr int kGenerationShift = 16;

}  // namespace

uint64_t TwinTable::CellsFor(uint64_t rows) {
  uint64_t cells = kFewestCells;
  while (cells < 2 * rows) cells *= 2;
  return cells;
}

void TwinTable::Create(uint64_t cells) {
  const uint64_t offset = SpaceOffset(SpaceRegion::kTwins, 0, 0);
  space_.Reserve(offset, BytesFor(cells));
  Open(cells);
  memset(static_cast<void*>(cells_), 0, cells * sizeof(Cell));
}

void TwinTable::Open(uint64_t cells) {
  cells_ =
      reinterpret_cast<Cell*>(space_.Map(SpaceOffset(SpaceRegion::kTwins, 0, 0), BytesFor(cells)));
  mask_ = cells - 1;
}

// A hash of 0 stands for a free cell.
TwinTable::Walk::Walk(const TwinTable& table, uint64_t hash)
    : table_(table), hash_(hash == 0 ? 1 : hash), at_((hash & table.mask_) - 1) {}

NodePointer TwinTable::Walk::Next() {
  for (;;) {
    at_ = (at_ + 1) & table_.mask_;
    Cell& cell = table_.cells_[at_];
    const std::atomic_ref<uint64_t> hash(cell.hash);
    uint64_t there = hash.load(std::memory_order_relaxed);
    // Where somebody else takes the cell first, `there` is what he wrote.
    if (there == 0 && hash.compare_exchange_strong(there, hash_, std::memory_order_relaxed))
      return {};
    if (there != hash_) continue;
    const std::atomic_ref<uint64_t> node(cell.node);
    uint64_t value;
    uint32_t tries = 0;
    while ((value = node.load(std::memory_order_acquire)) == kPending)
      SpinOrWait(table_.space_, &tries);
    if (value == kNone) continue;
    return {static_cast<uint32_t>(value >> kNumberShift),
            static_cast<uint16_t>(value >> kGenerationShift)};
  }
}

void TwinTable::Walk::Fill(NodePointer node) {
  const uint64_t value = node.valid() ? uint64_t{node.number} << kNumberShift |
                                            uint64_t{node.generation} << kGenerationShift | kNode
                                      : kNone;
  std::atomic_ref<uint64_t>(table_.cells_[at_].node).store(value, std::memory_order_release);
}

}  // namespace quiver
