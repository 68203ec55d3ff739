// Hint bits: rows that a scan has found dead to everybody.
//
// They lie in the page's hole, which every committed record leaves zero: so they
// speak of the rows that the page has had since its last record, and of no others.
// Nothing logs them and nothing needs them.
//
//     lower                                          8168      8176
//     +------------------------------+-------+-------+---------+---------+
//     | zero                         | bits  | bits  | counter | special |
//     |                              | 8..15 | 0..7  |         |         |
//     +------------------------------+-------+-------+---------+---------+
//
// Bit i is of the page's i-th row, so its place depends on i alone; every kind of
// page with rows keeps room for them above pd_lower.  A node page has two a node.
//
// The counter says which record was the page's last where no log does: see
// quiver_page_count_change (core_api.h).
#ifndef QUIVER_PAGE_HINTS_H
#define QUIVER_PAGE_HINTS_H

#include "page/list_page.h"
#include "page/node.h"

namespace quiver {

// Format 2.
constexpr size_t kCounterOffset = kPageSpecialOffset - sizeof(uint64_t);
static_assert(kCounterOffset % alignof(uint64_t) == 0);

constexpr size_t kMostHintBytes = 128;
static_assert(kPostingsPerPage <= 8 * kMostHintBytes);

// Which of a node page's rows an inline row is.
inline uint32_t NodeRow(uint32_t slot, uint32_t i) {
  return slot * kInlinePostings + i;
}

inline size_t HintOffset(uint32_t row) {
  return kCounterOffset - 1 - row / 8;
}
inline uint8_t HintMask(uint32_t row) {
  return static_cast<uint8_t>(1u << (row % 8));
}
// False where a damaged page's data reach that far.
inline bool HasHintRoom(const uint8_t* page, uint32_t row) {
  return row < 8 * kMostHintBytes && HintOffset(row) >= PageAt<PageHeader>(page, 0)->lower;
}

// True for a row that is dead to everybody who may look at hints.
inline bool IsKilled(const uint8_t* page, uint32_t row) {
  return HasHintRoom(page, row) && (page[HintOffset(row)] & HintMask(row)) != 0;
}

// Makes killed rows of a copy of `count` entries, from row `first` of the page on, no
// rows; how many are left.
inline uint32_t HideKilled(const uint8_t* page, uint32_t first, PostingEntry* entries,
                           uint32_t count) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (IsKilled(page, first + i)) entries[i].offset = 0;
    if (entries[i].offset != 0) left++;
  }
  return left;
}

inline uint64_t PageCounter(const uint8_t* page) {
  return *PageAt<uint64_t>(page, kCounterOffset);
}

}  // namespace quiver

#endif  // QUIVER_PAGE_HINTS_H
