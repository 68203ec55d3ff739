// What all pages share: PostgreSQL's page header, our 16-byte special space.
//
//   0        24                 lower          upper = special   8192
//   +--------+------------------+--------------+-----------------+
//   | header | data             | hole         | special (16)    |
//   +--------+------------------+--------------+-----------------+
//
// The hole always has room for one hint bit per row of the page and a change
// counter (hints.h); generic WAL neither logs nor keeps it.  docs/on-disk-format.md draws
// every kind of page.
#ifndef QUIVER_PAGE_PAGE_H
#define QUIVER_PAGE_PAGE_H

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "page/store.h"

namespace quiver {

constexpr size_t kPageBytes = QUIVER_BLOCK_SIZE;
constexpr size_t kPageHeaderBytes = 24;
constexpr size_t kPageSpecialBytes = 16;
constexpr size_t kPageSpecialOffset = kPageBytes - kPageSpecialBytes;
// Bytes between header and special space.
constexpr size_t kPageDataBytes = kPageSpecialOffset - kPageHeaderBytes;
constexpr uint16_t kPageMagic = 0x5156;  // "VQ"

// Format 1; kChunk 2.
enum class PageKind : uint8_t {
  kMeta = 1,
  kCenter = 2,   // the centre's floats
  kNode = 3,     // nodes of the bottom layer
  kUpper = 4,    // nodes of upper layers
  kList = 5,     // rows without edges
  kPosting = 6,  // rows of one node, more than fit inline
  kLoose = 7,    // rows without a distance
  kFree = 8,     // nothing; may become any kind
  kChunk = 9,    // a part of one node that does not lie on its page
};

enum PageFlags : uint8_t {
  kInRoomChain = 1,  // node pages: in the chain of those with free places
};

// Format 1.
struct PageSpecial {
  PageKind kind;
  uint8_t flags;        // PageFlags, format 3
  uint16_t magic;       // kPageMagic
  uint32_t generation;  // last one given to a node on this page; never reset
  uint32_t partition;   // 0: the only one
  uint32_t next;        // next page of the same chain, or QUIVER_INVALID_BLOCK
};
static_assert(sizeof(PageSpecial) == kPageSpecialBytes);
static_assert(offsetof(PageSpecial, next) == 12);

// PostgreSQL's PageHeaderData, as far as we set it.
struct PageHeader {
  uint8_t lsn[8];
  uint16_t checksum;
  uint16_t flags;
  uint16_t lower;
  uint16_t upper;
  uint16_t special;
  uint16_t size_version;  // page size | layout version 4
  uint32_t prune_xid;
};
static_assert(sizeof(PageHeader) == kPageHeaderBytes);

template <class T>
T* PageAt(uint8_t* page, size_t offset) {
  return reinterpret_cast<T*>(page + offset);
}
template <class T>
const T* PageAt(const uint8_t* page, size_t offset) {
  return reinterpret_cast<const T*>(page + offset);
}

inline PageSpecial* Special(uint8_t* page) {
  return PageAt<PageSpecial>(page, kPageSpecialOffset);
}
inline const PageSpecial* Special(const uint8_t* page) {
  return PageAt<PageSpecial>(page, kPageSpecialOffset);
}

// The first `data_bytes` after the header are in use.
inline void SetPageDataBytes(uint8_t* page, size_t data_bytes) {
  PageAt<PageHeader>(page, 0)->lower = static_cast<uint16_t>(kPageHeaderBytes + data_bytes);
}

// Makes an empty page of `kind`.  Keeps the page's LSN, and its generation counter, which is
// 0 on a page never used before.
inline void InitPage(uint8_t* page, PageKind kind, size_t data_bytes) {
  const uint32_t generation = Special(page)->magic == kPageMagic ? Special(page)->generation : 0;
  auto* header = PageAt<PageHeader>(page, 0);
  memset(page + sizeof header->lsn, 0, kPageBytes - sizeof header->lsn);
  header->upper = kPageSpecialOffset;
  header->special = kPageSpecialOffset;
  header->size_version = kPageBytes | 4;
  SetPageDataBytes(page, data_bytes);
  *Special(page) = PageSpecial{kind, 0, kPageMagic, generation, 0, QUIVER_INVALID_BLOCK};
}

// True for a page of zeros: a crash came between its extension and first record.
inline bool IsNewPage(const uint8_t* page) {
  return PageAt<PageHeader>(page, 0)->upper == 0;
}

// True when the page is one of ours, of any kind, with sound bounds.
inline bool IsSoundPage(const uint8_t* page) {
  const auto* header = PageAt<PageHeader>(page, 0);
  return header->special == kPageSpecialOffset && header->upper == kPageSpecialOffset &&
         header->lower >= kPageHeaderBytes && header->lower <= kPageSpecialOffset &&
         Special(page)->magic == kPageMagic && Special(page)->kind >= PageKind::kMeta &&
         Special(page)->kind <= PageKind::kChunk && Special(page)->partition == 0;
}

inline bool IsPageOf(const uint8_t* page, PageKind kind) {
  return IsSoundPage(page) && Special(page)->kind == kind;
}

// True for a page that nobody uses: it may become any kind.
inline bool IsFreePage(const uint8_t* page) {
  return IsNewPage(page) || IsPageOf(page, PageKind::kFree);
}

}  // namespace quiver

#endif  // QUIVER_PAGE_PAGE_H
