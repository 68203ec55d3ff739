// One row of the index: its heap TID and flags.
#ifndef QUIVER_PAGE_POSTING_H
#define QUIVER_PAGE_POSTING_H

#include "page/page.h"

namespace quiver {

// Format 1.  Attribute columns will follow the 8 bytes; their width is 0 so far.
struct PostingEntry {
  uint16_t block_high;
  uint16_t block_low;
  uint16_t offset;  // 1 .. ; 0 is no row
  uint16_t flags;   // PostingFlags

  static PostingEntry Make(QuiverTid tid, uint16_t flags = 0) {
    return {static_cast<uint16_t>(tid.block >> 16), static_cast<uint16_t>(tid.block), tid.offset,
            flags};
  }
  QuiverTid tid() const { return {static_cast<uint32_t>(block_high) << 16 | block_low, offset}; }
};
static_assert(sizeof(PostingEntry) == 8);

enum PostingFlags : uint16_t {
  kPostingNull = 1,  // on loose pages: the key is NULL
  kPostingNan = 2,   // on loose pages: a vector without a direction
};

// Posting and loose pages are arrays of entries; both leave room in the hole
// for a hint bit per entry and 8 bytes more.
constexpr size_t kPostingsPerPage = (kPageDataBytes - 8) * 8 / (8 * sizeof(PostingEntry) + 1);
static_assert(kPostingsPerPage * sizeof(PostingEntry) + (kPostingsPerPage + 7) / 8 + 8 <=
              kPageDataBytes);

inline size_t PostingCount(const uint8_t* page) {
  const size_t bytes = PageAt<PageHeader>(page, 0)->lower - kPageHeaderBytes;
  const size_t count = bytes / sizeof(PostingEntry);
  return count < kPostingsPerPage ? count : kPostingsPerPage;
}
inline const PostingEntry* Postings(const uint8_t* page) {
  return PageAt<PostingEntry>(page, kPageHeaderBytes);
}
inline PostingEntry* Postings(uint8_t* page) {
  return PageAt<PostingEntry>(page, kPageHeaderBytes);
}

// REQUIRES: PostingCount(page) < kPostingsPerPage.
inline void AppendPosting(uint8_t* page, PostingEntry entry) {
  const size_t count = PostingCount(page);
  Postings(page)[count] = entry;
  SetPageDataBytes(page, (count + 1) * sizeof(PostingEntry));
}

}  // namespace quiver

#endif  // QUIVER_PAGE_POSTING_H
