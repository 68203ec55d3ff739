#include "fakes/field_map.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "base/random.h"
#include "page/chunk.h"
#include "page/list_page.h"
#include "page/meta.h"

namespace quiver::fakes {

namespace {

constexpr uint16_t kAllBits = 0xFFFF;

// Paints kinds over the bytes of a page; what nobody paints is unused.
class PagePainter {
 public:
  explicit PagePainter(uint32_t block) : block_(block), kinds_(kPageBytes, FieldKind::kUnused) {}

  void Paint(size_t offset, size_t bytes, FieldKind kind) {
    std::fill_n(kinds_.begin() + static_cast<ptrdiff_t>(offset), bytes, kind);
  }
  // Two bytes that two kinds share.
  void Share(size_t offset, FieldKind low, FieldKind high, uint16_t high_bits) {
    const auto low_bits = static_cast<uint16_t>(~high_bits);
    shared_.push_back({block_, static_cast<uint16_t>(offset), 2, low, low_bits});
    shared_.push_back({block_, static_cast<uint16_t>(offset), 2, high, high_bits});
    Paint(offset, 2, kPainted);
  }
  void AddTo(std::vector<Field>* fields) const {
    for (size_t first = 0; first < kPageBytes;) {
      size_t end = first + 1;
      while (end < kPageBytes && kinds_[end] == kinds_[first]) end++;
      if (kinds_[first] != kPainted)
        fields[static_cast<int>(kinds_[first])].push_back({block_, static_cast<uint16_t>(first),
                                                           static_cast<uint16_t>(end - first),
                                                           kinds_[first], kAllBits});
      first = end;
    }
    for (const Field& field : shared_) fields[static_cast<int>(field.kind)].push_back(field);
  }

 private:
  static constexpr auto kPainted = static_cast<FieldKind>(kFieldKinds);
  uint32_t block_;
  std::vector<FieldKind> kinds_;
  std::vector<Field> shared_;
};

class FileReader {
 public:
  FileReader(const std::vector<uint8_t>& file, std::vector<Field>* fields)
      : file_(file), fields_(fields) {
    const MetaFault fault = FindMetaFault(Page(kMetaBlock), &layout_);
    if (file.size() % kPageBytes != 0 || fault.detail != nullptr) {
      fprintf(stderr, "this is no index file: %s\n", fault.detail);
      abort();
    }
  }

  void Read() {
    for (uint32_t block = 1; block < block_count(); block++)
      for (uint32_t slot = 0; IsOfNodes(block) && slot < layout_.nodes_per_page; slot++)
        FollowParts(ConstNode(Page(block), layout_, slot));
    for (uint32_t block = 0; block < block_count(); block++) ReadPage(block);
  }

 private:
  const uint8_t* Page(uint32_t block) const { return file_.data() + size_t{block} * kPageBytes; }
  uint32_t block_count() const { return static_cast<uint32_t>(file_.size() / kPageBytes); }
  bool IsOfNodes(uint32_t block) const {
    return IsNodePage(Page(block), layout_, PageKind::kNode) ||
           IsNodePage(Page(block), layout_, PageKind::kUpper);
  }

  // Chunk pages that a node has its parts on; others are kept for later nodes.
  void FollowParts(const ConstNode& node) {
    if (!node.in_use()) return;
    uint32_t block = node.head().chunk_head;
    uint32_t bytes_left = node.vector_at_home() ? 0 : node.vector_bytes();
    uint32_t parts = (bytes_left + kChunkBytes - 1) / kChunkBytes + layout_.CodeChunks();
    const uint32_t vector_parts = parts - layout_.CodeChunks();
    for (uint32_t part = 0; part < parts; part++) {
      (part < vector_parts ? vector_chunks_ : code_chunks_).insert(block);
      if (part + 1 == parts) last_chunks_.insert(block);
      block = Special(Page(block))->next;
    }
  }

  // Whether the rest of the page says what the counter must be.  Where nodes have come and
  // gone, any that is not less than theirs would do as well.
  bool IsKnownCounter(const uint8_t* page) const {
    const PageKind kind = Special(page)->kind;
    if (kind != PageKind::kNode && kind != PageKind::kUpper)
      return kind == PageKind::kMeta || kind == PageKind::kCenter || kind == PageKind::kList;
    bool has_node = false;
    for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++) {
      const ConstNode node(page, layout_, slot);
      has_node |= node.in_use();
      if (!node.in_use() && std::any_of(node.bytes(), node.bytes() + layout_.node_bytes,
                                        [](uint8_t byte) { return byte != 0; }))
        return false;
    }
    return has_node;
  }

  void ReadPage(uint32_t block) {
    PagePainter painter(block);
    const uint8_t* page = Page(block);
    if (IsNewPage(page)) {
      // Zeros: what is put there makes a page that is not one.
      painter.AddTo(fields_);
      return;
    }
    painter.Paint(0, kPageHeaderBytes, FieldKind::kPostgres);
    painter.Paint(offsetof(PageHeader, checksum), 2, FieldKind::kUnused);
    painter.Paint(offsetof(PageHeader, lower), 8, FieldKind::kPageHeader);
    const size_t special = kPageSpecialOffset;
    painter.Paint(special, kPageSpecialBytes, FieldKind::kSpecial);
    painter.Paint(
        special + offsetof(PageSpecial, generation), 4,
        IsKnownCounter(page) ? FieldKind::kGenerationCounter : FieldKind::kForInformation);
    const bool spare = Special(page)->kind == PageKind::kChunk &&
                       vector_chunks_.count(block) + code_chunks_.count(block) == 0;
    const bool ends = spare || last_chunks_.count(block) != 0;
    painter.Paint(special + offsetof(PageSpecial, next), 4,
                  ends ? FieldKind::kUnused : FieldKind::kChainPointer);
    switch (Special(page)->kind) {
      case PageKind::kMeta:
        ReadMeta(&painter);
        break;
      case PageKind::kCenter:
        painter.Paint(kPageHeaderBytes, DataBytes(page), FieldKind::kCenter);
        break;
      case PageKind::kNode:
      case PageKind::kUpper:
        for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++)
          ReadNode(&painter, page, slot);
        break;
      case PageKind::kList:
        ReadList(&painter, page);
        break;
      case PageKind::kPosting:
      case PageKind::kLoose:
        painter.Paint(kPageHeaderBytes, sizeof(PostingHead), FieldKind::kPostingHead);
        painter.Paint(kPageHeaderBytes + sizeof(PostingHead),
                      PostingCount(page) * sizeof(PostingEntry), FieldKind::kRow);
        break;
      case PageKind::kFree:
        break;
      case PageKind::kChunk:
        if (spare) break;
        painter.Paint(kPageHeaderBytes, offsetof(ChunkHead, reserved16), FieldKind::kChunkHead);
        ReadChunk(&painter, block, page);
        break;
    }
    painter.AddTo(fields_);
  }

  static size_t DataBytes(const uint8_t* page) {
    return PageAt<PageHeader>(page, 0)->lower - kPageHeaderBytes;
  }

  static void ReadMeta(PagePainter* painter) {
    painter->Paint(kPageHeaderBytes, sizeof(MetaData), FieldKind::kMeta);
    const auto inform = [&](size_t offset, size_t bytes) {
      painter->Paint(kPageHeaderBytes + offset, bytes, FieldKind::kForInformation);
    };
    inform(offsetof(MetaData, creator_version), 8);  // and compatible flags
    inform(offsetof(MetaData, rotation_seed), 8);
    inform(offsetof(MetaData, m), 8);  // ef_construction, type_oid
    inform(offsetof(MetaData, list_limit), 4);
  }

  void ReadNode(PagePainter* painter, const uint8_t* page, uint32_t slot) {
    const ConstNode node(page, layout_, slot);
    const size_t at = layout_.OffsetOf(slot);
    const bool upper = Special(page)->kind == PageKind::kUpper;
    const auto head = [&](size_t offset, size_t bytes, FieldKind kind) {
      painter->Paint(at + offset, bytes, kind);
    };
    head(0, sizeof(NodeHead), upper ? FieldKind::kUpperHead : FieldKind::kHead);
    if (!node.in_use()) {
      head(offsetof(NodeHead, chunk_head), 4, FieldKind::kUnused);
      return;
    }
    const FieldKind generation = upper ? FieldKind::kUpperGeneration : FieldKind::kNodeGeneration;
    head(offsetof(NodeHead, generation), 4, generation);
    head(offsetof(NodeHead, hash), 8, FieldKind::kHash);
    head(offsetof(NodeHead, posting_head), 8, FieldKind::kChainPointer);
    head(offsetof(NodeHead, down_number), 4, upper ? FieldKind::kUpperLink : FieldKind::kHead);
    head(offsetof(NodeHead, down_generation), 2,
         upper ? FieldKind::kUpperGeneration : FieldKind::kHead);
    const bool rounded = layout_.form == QUIVER_FORM_DENSE && !layout_.float32;
    if (rounded) head(offsetof(NodeHead, entries), 2, FieldKind::kVector);
    head(offsetof(NodeHead, chunk_head), 4, FieldKind::kChainPointer);
    head(offsetof(NodeHead, postings), sizeof(PostingEntry) * node.posting_count(),
         FieldKind::kRow);

    const uint32_t count = node.slot_count();
    head(layout_.number_offset, count * 4, upper ? FieldKind::kUpperLink : FieldKind::kLink);
    if (layout_.codec == Codec::kNone) head(layout_.f_offset, count * 4, FieldKind::kCode);
    if (layout_.codec == Codec::kEdge) {
      head(layout_.f_offset, count * 2, FieldKind::kCode);
      head(layout_.g_offset, count * 2, FieldKind::kCode);
    }
    for (uint32_t i = 0; i < count; i++)
      painter->Share(at + layout_.generation_offset + 2 * i,
                     upper ? FieldKind::kUpperGeneration : FieldKind::kLinkGeneration,
                     FieldKind::kMark, kDominatedBit);
    head(layout_.code_offset, size_t{std::min(count, layout_.codes_at_home)} * layout_.code_bytes,
         FieldKind::kCode);
    if (node.vector_at_home()) head(layout_.vector_offset, node.vector_bytes(), FieldKind::kVector);
  }

  void ReadList(PagePainter* painter, const uint8_t* page) const {
    for (size_t i = 0; i < ListCount(page, layout_); i++) {
      const size_t at = kPageHeaderBytes + i * ListEntryBytes(layout_);
      painter->Paint(at, sizeof(ListEntry) + layout_.vector_bytes, FieldKind::kListEntry);
      painter->Paint(at + offsetof(ListEntry, hash), 8, FieldKind::kHash);
      painter->Paint(at + offsetof(ListEntry, posting), sizeof(PostingEntry), FieldKind::kRow);
    }
  }

  // Codes of slots that are not in use lie there too, zero or of former neighbours.
  void ReadChunk(PagePainter* painter, uint32_t block, const uint8_t* page) const {
    const size_t first = kPageHeaderBytes + sizeof(ChunkHead);
    if (vector_chunks_.count(block) != 0) {
      painter->Paint(first, ChunkDataBytes(page), FieldKind::kVector);
      return;
    }
    const uint32_t number = Chunk(page)->number;
    const ConstNode node(Page(layout_.BlockOf(number)), layout_, layout_.SlotOf(number));
    const uint32_t vector_parts =
        node.vector_at_home() ? 0 : (node.vector_bytes() + kChunkBytes - 1) / kChunkBytes;
    const uint32_t first_code =
        layout_.codes_at_home + (Chunk(page)->part - vector_parts) * layout_.codes_per_chunk;
    if (node.slot_count() <= first_code) return;
    const size_t codes = std::min(node.slot_count() - first_code, layout_.codes_per_chunk);
    painter->Paint(first, std::min(codes * layout_.code_bytes, ChunkDataBytes(page)),
                   FieldKind::kCode);
  }

  const std::vector<uint8_t>& file_;
  std::vector<Field>* fields_;
  NodeLayout layout_;
  std::set<uint32_t> vector_chunks_;
  std::set<uint32_t> code_chunks_;
  std::set<uint32_t> last_chunks_;
};

}  // namespace

const char* NameOf(FieldKind kind) {
  static const char* const names[kFieldKinds] = {"page header",
                                                 "special space",
                                                 "generation counter",
                                                 "chain pointer",
                                                 "node head",
                                                 "node's generation",
                                                 "link",
                                                 "link's generation",
                                                 "upper node's head",
                                                 "upper node's link",
                                                 "upper node's generations",
                                                 "head of a posting page",
                                                 "head of a chunk page",
                                                 "meta page",
                                                 "row",
                                                 "list entry",
                                                 "vector",
                                                 "hash",
                                                 "code or term",
                                                 "dominated mark",
                                                 "centre",
                                                 "for information",
                                                 "PostgreSQL's own",
                                                 "unused"};
  return names[static_cast<int>(kind)];
}

FieldMap::FieldMap(const std::vector<uint8_t>& file) {
  FileReader(file, fields_).Read();
}

uint64_t FieldMap::BytesOf(FieldKind kind) const {
  uint64_t bytes = 0;
  for (const Field& field : Of(kind)) bytes += field.bytes;
  return bytes;
}

ByteFlip FieldMap::Choose(FieldKind kind, uint64_t random) const {
  SplitMix64 source(random);
  for (;;) {
    uint64_t at = source.Next() % BytesOf(kind);
    for (const Field& field : Of(kind)) {
      if (at >= field.bytes) {
        at -= field.bytes;
        continue;
      }
      const auto bits = static_cast<uint8_t>(field.bits == kAllBits ? 0xFF
                                             : at == 0              ? field.bits & 0xFF
                                                                    : field.bits >> 8);
      const auto mask = static_cast<uint8_t>(source.Next() & bits);
      if (mask == 0) break;
      return {field.block, static_cast<uint32_t>(field.offset + at), mask};
    }
  }
}

}  // namespace quiver::fakes
