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

// Posting and loose pages begin with this.  Format 3.
struct PostingHead {
  uint32_t number;      // the node it belongs to; loose pages: 0
  uint32_t generation;  // all 32 bits of the node's; loose pages: 0
  uint64_t reserved;    // 0
};
static_assert(sizeof(PostingHead) == 16);

// Then comes an array of entries; the hole has room for a hint bit per entry and 8
// bytes more.
constexpr size_t kPostingsPerPage =
    (kPageDataBytes - sizeof(PostingHead) - 8) * 8 / (8 * sizeof(PostingEntry) + 1);
static_assert(sizeof(PostingHead) + kPostingsPerPage * sizeof(PostingEntry) +
                  (kPostingsPerPage + 7) / 8 + 8 <=
              kPageDataBytes);

inline const PostingHead* PostingHeadOf(const uint8_t* page) {
  return PageAt<PostingHead>(page, kPageHeaderBytes);
}
inline size_t PostingCount(const uint8_t* page) {
  const size_t bytes = PageAt<PageHeader>(page, 0)->lower - kPageHeaderBytes;
  if (bytes < sizeof(PostingHead)) return 0;
  const size_t count = (bytes - sizeof(PostingHead)) / sizeof(PostingEntry);
  return count < kPostingsPerPage ? count : kPostingsPerPage;
}
inline const PostingEntry* Postings(const uint8_t* page) {
  return PageAt<PostingEntry>(page, kPageHeaderBytes + sizeof(PostingHead));
}
inline PostingEntry* Postings(uint8_t* page) {
  return PageAt<PostingEntry>(page, kPageHeaderBytes + sizeof(PostingHead));
}
inline void SetPostingCount(uint8_t* page, size_t count) {
  SetPageDataBytes(page, sizeof(PostingHead) + count * sizeof(PostingEntry));
}

// Makes an empty page of `kind` (kPosting, kLoose), of a node or of none.
inline void InitPostingPage(uint8_t* page, PageKind kind, uint32_t number, uint32_t generation) {
  InitPage(page, kind, sizeof(PostingHead));
  *PageAt<PostingHead>(page, kPageHeaderBytes) = {number, generation, 0};
}

// True for a page of further rows of just this node.
inline bool IsPostingPageOf(const uint8_t* page, uint32_t number, uint32_t generation) {
  return IsPageOf(page, PageKind::kPosting) && PostingHeadOf(page)->number == number &&
         PostingHeadOf(page)->generation == generation;
}

// REQUIRES: PostingCount(page) < kPostingsPerPage.
inline void AppendPosting(uint8_t* page, PostingEntry entry) {
  const size_t count = PostingCount(page);
  Postings(page)[count] = entry;
  SetPostingCount(page, count + 1);
}

}  // namespace quiver

#endif  // QUIVER_PAGE_POSTING_H
