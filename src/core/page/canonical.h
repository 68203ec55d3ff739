// A page's canonical form: the bytes of it that the log carries, and no others.
//
// Equal on a primary and on whatever replays its log, once both are at rest.  Left out
// is what may differ there: LSN, checksum, flag bits and prune xid of the header, which
// PostgreSQL may set as hints, and the hole, where ours are (hints.h).  A page of zeros
// has no form, since extending a file is not logged.
#ifndef QUIVER_PAGE_CANONICAL_H
#define QUIVER_PAGE_CANONICAL_H

#include "page/page.h"

namespace quiver {

// lower, upper, special, size_version: the header's fields that mean something.
constexpr size_t kCanonicalHeaderOffset = offsetof(PageHeader, lower);
constexpr size_t kCanonicalHeaderBytes = offsetof(PageHeader, prune_xid) - kCanonicalHeaderOffset;
static_assert(kCanonicalHeaderBytes == 8);

constexpr size_t kMostCanonicalBytes = kCanonicalHeaderBytes + kPageBytes - kPageHeaderBytes;
static_assert(kMostCanonicalBytes == QUIVER_CANONICAL_PAGE_BYTES);

inline bool IsZeroPage(const uint8_t* page) {
  for (size_t i = 0; i < kPageBytes; i++)
    if (page[i] != 0) return false;
  return true;
}

// Writes the form to `out`, which has room for kMostCanonicalBytes; its length, 0 for a
// page of zeros.  Of a damaged page all that lies behind the header counts, since its
// bounds mean nothing.  Pages of one form and length differ in nothing that counts.
inline size_t CanonicalForm(const uint8_t* page, uint8_t* out) {
  if (IsNewPage(page) && IsZeroPage(page)) return 0;
  memcpy(out, page + kCanonicalHeaderOffset, kCanonicalHeaderBytes);
  size_t bytes = kCanonicalHeaderBytes;
  const size_t end = IsSoundPage(page) ? PageAt<PageHeader>(page, 0)->lower : kPageSpecialOffset;
  memcpy(out + bytes, page + kPageHeaderBytes, end - kPageHeaderBytes);
  bytes += end - kPageHeaderBytes;
  memcpy(out + bytes, page + kPageSpecialOffset, kPageSpecialBytes);
  return bytes + kPageSpecialBytes;
}

}  // namespace quiver

#endif  // QUIVER_PAGE_CANONICAL_H
