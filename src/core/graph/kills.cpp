#include "graph/kills.h"

#include <algorithm>

#include "page/hints.h"

namespace quiver {

void Kills::Apply(const Store& store) {
  std::sort(rows_.begin(), rows_.end(), [](const RowOrigin& a, const RowOrigin& b) {
    return a.block != b.block ? a.block < b.block : a.row < b.row;
  });
  for (size_t i = 0; i < rows_.size();) {
    store.Poll();
    i = ApplyToPage(store, i);
  }
  rows_.Clear();
}

// The rows of one page, from `first` on; where the next page's begin.  On a page that
// has changed since it was read another row may stand there, a living one perhaps.
size_t Kills::ApplyToPage(const Store& store, size_t first) {
  const uint32_t block = rows_[first].block;
  uint8_t bits[kMostHintBytes] = {};  // from the byte of the last row down to that of row 0
  size_t lowest = kCounterOffset;
  QuiverPin pin;
  const uint8_t* page = store.Read(block, &pin);
  const uint64_t version = store.Version(pin);
  size_t i = first;
  for (; i < rows_.size() && rows_[i].block == block; i++) {
    const uint32_t row = rows_[i].row;
    if (rows_[i].version != version || !HasHintRoom(page, row) || IsKilled(page, row)) continue;
    bits[kMostHintBytes - (kCounterOffset - HintOffset(row))] |= HintMask(row);
    lowest = std::min(lowest, HintOffset(row));
  }
  const size_t bytes = kCounterOffset - lowest;
  if (bytes > 0) store.SetHints(&pin, lowest, bits + kMostHintBytes - bytes, bytes);
  store.Release(&pin);
  return i;
}

}  // namespace quiver
