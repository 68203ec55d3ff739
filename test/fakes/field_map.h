// Which bytes of an index file are what: for flipping some, kind by kind.
#ifndef QUIVER_FAKES_FIELD_MAP_H
#define QUIVER_FAKES_FIELD_MAP_H

#include <cstdint>
#include <string>
#include <vector>

namespace quiver::fakes {

// In the order of the tables that tests print.
enum class FieldKind : uint8_t {
  kPageHeader,         // lower, upper, special, version
  kSpecial,            // kind, flags, magic, partition
  kGenerationCounter,  // of the special space
  kChainPointer,       // next pages; a node's chains of rows and of parts
  kHead,               // bottom nodes: level, flags, counts, scales; of a free place all zero
  kNodeGeneration,     // bottom nodes
  kLink,               // numbers of neighbours
  kLinkGeneration,     // of neighbours
  kUpperHead,          // upper nodes
  kUpperLink,          // neighbours' numbers and the node's below
  kUpperGeneration,    // the node's, its neighbours' and the node's below
  kPostingHead,        // whose rows a page has
  kChunkHead,          // whose part a page has
  kMeta,               // what the index is, and where searches begin
  kRow,                // addresses and flags of rows
  kListEntry,          // but for the row: the vector, its scale
  kVector,             // of nodes; the length that rounding took
  kHash,               // of the original vector
  kCode,               // codes and their terms, or lengths
  kMark,               // which neighbours are dominated
  kCenter,
  kForInformation,  // of the meta page: nothing depends on them, or nothing repeats them
  kPostgres,        // LSN, flags and transaction of the page header
  kUnused,          // holes, padding, empty slots
};
constexpr int kFieldKinds = static_cast<int>(FieldKind::kUnused) + 1;

const char* NameOf(FieldKind kind);

// Pointers, generations, heads, special spaces: what the shape of the index hangs on.
constexpr bool IsStructural(FieldKind kind) {
  return kind <= FieldKind::kMeta;
}

struct Field {
  uint32_t block;
  uint16_t offset;  // on its page
  uint16_t bytes;
  FieldKind kind;
  uint16_t bits;  // of a field of two bytes those that belong to it; else all

  bool operator==(const Field& other) const = default;
};

// A byte to change; `mask` has at least one bit.
struct ByteFlip {
  uint32_t block;
  uint32_t offset;
  uint8_t mask;
};

// The fields of a sound index file: every byte of every page is in one.  Those of one
// kind lie together in the order of the file.
class FieldMap {
 public:
  // REQUIRES: whole pages; the index is sound.
  explicit FieldMap(const std::vector<uint8_t>& file);

  bool Has(FieldKind kind) const { return !fields_[static_cast<int>(kind)].empty(); }
  const std::vector<Field>& Of(FieldKind kind) const { return fields_[static_cast<int>(kind)]; }
  uint64_t BytesOf(FieldKind kind) const;

  // Any byte of the kind, any bits of it.  REQUIRES: Has(kind).
  ByteFlip Choose(FieldKind kind, uint64_t random) const;

 private:
  std::vector<Field> fields_[kFieldKinds];
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_FIELD_MAP_H
