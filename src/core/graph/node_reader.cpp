#include "graph/node_reader.h"

#include <algorithm>

namespace quiver {

uint32_t VectorPartCount(const ConstNode& node) {
  return node.vector_at_home() ? 0 : (node.vector_bytes() + kChunkBytes - 1) / kChunkBytes;
}

uint32_t PartCount(const ConstNode& node, const NodeLayout& layout) {
  return VectorPartCount(node) + layout.CodeChunks();
}

NodePart PartAt(const ConstNode& node, const NodeLayout& layout, uint32_t part) {
  const uint32_t vector_parts = VectorPartCount(node);
  if (part < vector_parts) {
    const size_t first = size_t{part} * kChunkBytes;
    return {layout.vector_offset + first,
            std::min<size_t>(kChunkBytes, node.vector_bytes() - first)};
  }
  const uint32_t first = layout.codes_at_home + (part - vector_parts) * layout.codes_per_chunk;
  const uint32_t count = std::min(layout.codes_per_chunk, layout.slots - first);
  return {layout.code_offset + size_t{first} * layout.code_bytes,
          size_t{count} * layout.code_bytes};
}

uint32_t PartOfCode(const ConstNode& node, const NodeLayout& layout, uint32_t slot) {
  return VectorPartCount(node) + (slot - layout.codes_at_home) / layout.codes_per_chunk;
}

NodeReader::NodeReader(const GraphContext& context)
    : context_(&context), image_(context.allocator), blocks_(context.allocator) {
  const NodeLayout& layout = context.layout();
  if (layout.form != QUIVER_FORM_SPARSE &&
      (!layout.vector_at_home || layout.codes_at_home < layout.slots))
    Reserve(layout.vector_bytes);
}

void NodeReader::Reserve(size_t bytes) {
  // Kernels may read 64 bytes past the codes.
  const size_t image = context_->layout().ImageBytes(static_cast<uint32_t>(bytes)) + 64;
  if (image_.size() < image) image_.Resize(image);
  const size_t parts = bytes / kChunkBytes + 1 + context_->layout().CodeChunks();
  if (blocks_.size() < parts) blocks_.Resize(parts);
}

ConstNode NodeReader::Read(const ConstNode& node, uint32_t number, Want want, uint64_t* pages) {
  NodeDamage damage;
  const ConstNode whole = TryRead(node, number, want, pages, &damage);
  if (damage.detail != nullptr)
    context_->store.Corrupted(damage.block, damage.detail, damage.value);
  return whole;
}

ConstNode NodeReader::TryRead(const ConstNode& node, uint32_t number, Want want, uint64_t* pages,
                              NodeDamage* damage) {
  const NodeLayout& layout = context_->layout();
  const uint32_t parts = want == kVector ? VectorPartCount(node) : PartCount(node, layout);
  if (parts == 0) return node;
  const Store& store = context_->store;
  Reserve(node.vector_bytes());
  // Without its chunks the vector's place at home may be beyond the node.
  const size_t home = node.vector_at_home()
                          ? std::min<size_t>(layout.node_bytes, image_.size())
                          : layout.code_offset + size_t{layout.codes_at_home} * layout.code_bytes;
  memcpy(image_.begin(), node.bytes(), home);

  uint32_t block = node.head().chunk_head;
  for (uint32_t i = 0; i < parts; i++) {
    // Chunks lie above the node's page, so that locks are taken in order.
    if (block <= layout.BlockOf(number) || block >= store.BlockCount()) {
      *damage = {layout.BlockOf(number), "a node's chain of parts leaves the file", block};
      return node;
    }
    const NodePart part = PartAt(node, layout, i);
    QuiverPin pin;
    const uint8_t* page = store.Read(block, &pin);
    const ChunkHead* chunk = Chunk(page);
    if (!IsPageOf(page, PageKind::kChunk) || chunk->number != number ||
        chunk->generation != node.head().generation || chunk->part != i ||
        ChunkDataBytes(page) != part.bytes) {
      store.Release(&pin);
      *damage = {block, "it is not the part of a node that it should be", number};
      return node;
    }
    memcpy(image_.begin() + part.offset, ChunkData(page), part.bytes);
    blocks_[i] = block;
    block = Special(page)->next;
    store.Release(&pin);
    (*pages)++;
  }
  return ConstNode(image_.begin(), layout);
}

}  // namespace quiver
