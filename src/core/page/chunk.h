// Chunk pages: what of a node does not lie on its own page.
#ifndef QUIVER_PAGE_CHUNK_H
#define QUIVER_PAGE_CHUNK_H

#include "page/page.h"

namespace quiver {

// Format 2.  The part's bytes follow.  Chained by PageSpecial.next in the order of
// the parts, from NodeHead.chunk_head.
struct ChunkHead {
  uint32_t number;      // the node it belongs to
  uint32_t generation;  // all 32 bits of the node's
  uint16_t part;        // 0 ..
  uint16_t reserved16;  // 0
  uint32_t reserved32;  // 0
};
static_assert(sizeof(ChunkHead) == 16);

// What follows the data: 64 bytes that kernels may read past the codes, and room
// as on any page.
constexpr uint32_t kChunkBytes =
    static_cast<uint32_t>((kPageDataBytes - sizeof(ChunkHead) - 64 - 24) / 8 * 8);

inline const ChunkHead* Chunk(const uint8_t* page) {
  return PageAt<ChunkHead>(page, kPageHeaderBytes);
}
inline ChunkHead* Chunk(uint8_t* page) {
  return PageAt<ChunkHead>(page, kPageHeaderBytes);
}
inline const uint8_t* ChunkData(const uint8_t* page) {
  return page + kPageHeaderBytes + sizeof(ChunkHead);
}
inline uint8_t* ChunkData(uint8_t* page) {
  return page + kPageHeaderBytes + sizeof(ChunkHead);
}
inline size_t ChunkDataBytes(const uint8_t* page) {
  const size_t bytes = PageAt<PageHeader>(page, 0)->lower - kPageHeaderBytes;
  return bytes < sizeof(ChunkHead) ? 0 : bytes - sizeof(ChunkHead);
}

}  // namespace quiver

#endif  // QUIVER_PAGE_CHUNK_H
