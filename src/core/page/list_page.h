// List pages: rows without edges, swept exactly by every search.
#ifndef QUIVER_PAGE_LIST_PAGE_H
#define QUIVER_PAGE_LIST_PAGE_H

#include "page/layout.h"
#include "page/posting.h"

namespace quiver {

// Format 2.  The stored vector follows; entries are padded to 8 bytes.
struct ListEntry {
  uint64_t hash;  // of the original vector's bytes
  PostingEntry posting;
  float scale;       // component = scale * stored, 1 for float32
  uint16_t entries;  // as NodeHead's
  uint16_t reserved;

  const uint8_t* vector() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  uint8_t* vector() { return reinterpret_cast<uint8_t*>(this + 1); }
};
static_assert(sizeof(ListEntry) == 24);

inline size_t ListEntryBytes(const NodeLayout& layout) {
  return sizeof(ListEntry) + (size_t{layout.vector_bytes} + 7) / 8 * 8;
}
// Entries that fit; the hole keeps a hint bit each and 8 bytes more.
inline size_t ListEntriesPerPage(const NodeLayout& layout) {
  return (kPageDataBytes - 16) * 8 / (8 * ListEntryBytes(layout) + 1);
}
// A list takes vectors of one size that fit a page; others go to the graph at once.
inline bool HasList(const NodeLayout& layout) {
  return layout.form != QUIVER_FORM_SPARSE && ListEntriesPerPage(layout) > 0;
}
inline size_t ListCount(const uint8_t* page, const NodeLayout& layout) {
  const size_t bytes = PageAt<PageHeader>(page, 0)->lower - kPageHeaderBytes;
  const size_t count = bytes / ListEntryBytes(layout);
  const size_t most = ListEntriesPerPage(layout);
  return count < most ? count : most;
}
inline const ListEntry* ListAt(const uint8_t* page, const NodeLayout& layout, size_t i) {
  return PageAt<ListEntry>(page, kPageHeaderBytes + i * ListEntryBytes(layout));
}
inline ListEntry* ListAt(uint8_t* page, const NodeLayout& layout, size_t i) {
  return PageAt<ListEntry>(page, kPageHeaderBytes + i * ListEntryBytes(layout));
}
inline void SetListCount(uint8_t* page, const NodeLayout& layout, size_t count) {
  SetPageDataBytes(page, count * ListEntryBytes(layout));
}
// Closes the gap that entry i leaves.
inline void RemoveListEntry(uint8_t* page, const NodeLayout& layout, size_t i) {
  const size_t bytes = ListEntryBytes(layout);
  const size_t count = ListCount(page, layout);
  uint8_t* entry = page + kPageHeaderBytes + i * bytes;
  memmove(entry, entry + bytes, (count - i - 1) * bytes);
  SetListCount(page, layout, count - 1);
}

}  // namespace quiver

#endif  // QUIVER_PAGE_LIST_PAGE_H
