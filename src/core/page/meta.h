// The meta page (block 0): what the index is, and where its search begins.
#ifndef QUIVER_PAGE_META_H
#define QUIVER_PAGE_META_H

#include "page/node.h"

namespace quiver {

constexpr uint32_t kMetaBlock = 0;
constexpr uint32_t kMaxListLimit = 65536;
constexpr uint32_t kMetaMagic = 0x51564552;  // "QVER"
constexpr uint32_t kFormatVersion = 3;

// Features an index may use, in three sets as ext4 has them.  Unknown
// incompatible ones refuse every use, unknown read-compatible ones refuse
// writes, unknown compatible ones are ignored.  None is defined yet.
constexpr uint32_t kKnownCompatible = 0;
constexpr uint32_t kKnownReadCompatible = 0;
constexpr uint32_t kKnownIncompatible = 0;

enum class PartitionState : uint8_t {
  kList = 0,      // new rows go to the list
  kDraining = 1,  // new rows go to the graph; each insert moves some list rows too
  kGraph = 2,     // the list is empty for good
};

// What one partition changes as it grows.  Format 3.
struct Partition {
  uint32_t list_head;  // chain of list pages, or QUIVER_INVALID_BLOCK
  uint32_t list_tail;
  uint32_t list_pages;
  uint32_t loose_head;  // chain of pages with rows that have no distance
  uint32_t loose_tail;
  uint32_t entry_number;  // the graph's entry point on its top level, or kInvalidNode
  uint16_t entry_generation;
  uint8_t entry_level;
  PartitionState state;
  // First pages of the chains of those with free places (kInRoomChain), or
  // QUIVER_INVALID_BLOCK.
  uint32_t upper_room;
  uint32_t node_room;
  uint32_t reserved;  // 0

  NodePointer entry() const { return {entry_number, entry_generation}; }
};
static_assert(sizeof(Partition) == 40);

// Format 3.  Follows the page header.
struct MetaData {
  uint32_t magic;
  uint32_t format_version;
  uint32_t creator_version;  // QUIVER_CREATOR_VERSION of who made the index
  uint32_t compatible;
  uint32_t read_compatible;
  uint32_t incompatible;
  uint32_t dim;
  uint8_t metric;              // QuiverMetric
  uint8_t float32;             // 1: components as float32, 0: float16, or bits
  uint8_t bits;                // of an edge code's component; 0: no such codes
  uint8_t rotation_algorithm;  // kRotationAlgorithm
  uint64_t rotation_seed;
  uint16_t slots;
  uint16_t nodes_per_page;
  uint16_t m;
  uint16_t ef_construction;
  uint32_t type_oid;        // of the key column
  uint32_t posting_bytes;   // of a posting entry: 8 without attributes
  uint32_t center_block;    // first of consecutive blocks; QUIVER_INVALID_BLOCK: zero
  uint32_t list_limit;      // pages of the list before it begins to drain
  uint32_t repair_pending;  // 0: no node is emptied; else vacuum has to repair
  uint8_t form;             // QuiverForm
  uint8_t codec;            // Codec
  uint16_t sparse_bytes;    // room for a sparse vector beside its node; 0: other forms
  uint32_t reserved[2];     // 0
  Partition partition;
};
static_assert(offsetof(MetaData, rotation_seed) == 32);
static_assert(offsetof(MetaData, form) == 68);
static_assert(offsetof(MetaData, partition) == 80);
static_assert(sizeof(MetaData) == 120);

inline const MetaData* Meta(const uint8_t* page) {
  return PageAt<MetaData>(page, kPageHeaderBytes);
}
inline MetaData* Meta(uint8_t* page) {
  return PageAt<MetaData>(page, kPageHeaderBytes);
}

// Floats of the centre on one page.
constexpr size_t kCenterPerPage = (kPageDataBytes - 8) / sizeof(float);

// What keeps an index from being used; detail is null where nothing does.
struct MetaFault {
  QuiverErrorCode code = QUIVER_ERROR_CORRUPTED;  // or FORMAT
  const char* detail = nullptr;
  uint64_t value = 0;
};

// Looks for a fault in what readers rely on; fills *layout where there is none.
MetaFault FindMetaFault(const uint8_t* page, NodeLayout* layout);

// The same; fails with the fault.
void CheckMeta(const Store& store, const uint8_t* page, NodeLayout* layout);

}  // namespace quiver

#endif  // QUIVER_PAGE_META_H
