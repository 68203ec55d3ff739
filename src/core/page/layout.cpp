#include "page/layout.h"

#include <algorithm>

#include "page/node.h"

namespace quiver {

uint32_t DefaultBits(uint32_t dim) { return dim < 48 ? 4 : dim < 384 ? 2 : 1; }

namespace {

constexpr uint32_t kSlotBytes = 10;  // number 4, generation 2, f 2, g 2

uint32_t CodeBytes(uint32_t dim, uint32_t bits) { return bits * ((dim + 7) / 8); }

// Slots that fit when `nodes` share a page; 0 when none does.
uint32_t SlotsThatFit(uint32_t dim, uint32_t bits, bool float32, uint32_t nodes) {
  const uint32_t room = kNodePageBytes / nodes / 8 * 8;
  // 3 bytes for the alignment of the numbers.
  const uint32_t fixed = sizeof(NodeHead) + dim * (float32 ? 4 : 2) + 3;
  return room <= fixed ? 0 : (room - fixed) / (CodeBytes(dim, bits) + kSlotBytes);
}

struct Choice {
  uint32_t nodes = 0;
  uint32_t slots = 0;
};

// The most nodes a page that leave each `wanted` slots; else one node with at
// least `least`.
Choice Choose(uint32_t dim, uint32_t bits, bool float32, uint32_t wanted, uint32_t least,
              uint32_t most) {
  for (uint32_t nodes = kNodePageBytes / (sizeof(NodeHead) + 1); nodes > 0; nodes--) {
    const uint32_t slots = SlotsThatFit(dim, bits, float32, nodes);
    if (slots >= wanted || (nodes == 1 && slots >= least)) return {nodes, std::min(slots, most)};
  }
  return {};
}

}  // namespace

bool MakeLayout(uint32_t dim, uint32_t bits, uint32_t slots, uint32_t nodes_per_page, bool float32,
                NodeLayout* layout) {
  if (dim < 1 || dim > QUIVER_MAX_DIM || (bits != 1 && bits != 2 && bits != 4) ||
      slots < kMinSlots || slots > kMaxSlots || nodes_per_page < 1 || nodes_per_page > kPageBytes)
    return false;
  NodeLayout l = {};
  l.dim = dim;
  l.bits = bits;
  l.slots = slots;
  l.nodes_per_page = nodes_per_page;
  l.float32 = float32;
  l.vector_bytes = dim * (float32 ? 4 : 2);
  l.code_bytes = CodeBytes(dim, bits);
  l.code_offset = sizeof(NodeHead) + l.vector_bytes;
  l.number_offset = (l.code_offset + slots * l.code_bytes + 3) / 4 * 4;
  l.generation_offset = l.number_offset + slots * 4;
  l.f_offset = l.generation_offset + slots * 2;
  l.g_offset = l.f_offset + slots * 2;
  l.node_bytes = (l.g_offset + slots * 2 + 7) / 8 * 8;
  if (uint64_t{l.node_bytes} * nodes_per_page > kNodePageBytes) return false;
  *layout = l;
  return true;
}

namespace {

bool ChooseLayoutOfBits(uint32_t dim, uint32_t bits, uint32_t m, QuiverStorage storage,
                        NodeLayout* layout) {
  const uint32_t most = std::max(kMinSlots, std::min(2 * m, kMaxSlots));
  // Long codes are dear and large vectors leave their page room anyway; short
  // ones buy recall cheaply (docs/decisions/0003-slots-per-node.md).
  const uint32_t wanted =
      std::min(most, std::max(kMinSlots, dim < 384 ? (7 * m + 3) / 4 : (5 * m + 3) / 4));
  const uint32_t least = std::min(wanted, std::max(kMinSlots, 3 * m / 4));
  const Choice half = Choose(dim, bits, false, wanted, least, most);
  const Choice full = Choose(dim, bits, true, wanted, least, most);
  const bool free_of_charge = full.nodes == half.nodes && full.slots == half.slots;
  const bool float32 = storage == QUIVER_STORAGE_FLOAT32 ||
                       (storage == QUIVER_STORAGE_AUTO && full.nodes > 0 && free_of_charge);
  const Choice& choice = float32 ? full : half;
  return choice.nodes > 0 && MakeLayout(dim, bits, choice.slots, choice.nodes, float32, layout);
}

}  // namespace

bool ChooseLayout(uint32_t dim, int m, QuiverStorage storage, NodeLayout* layout) {
  if (dim < 1 || dim > QUIVER_MAX_DIM) return false;
  // Coarser codes before none.
  for (uint32_t bits = DefaultBits(dim); bits > 0; bits /= 2)
    if (ChooseLayoutOfBits(dim, bits, static_cast<uint32_t>(m), storage, layout)) return true;
  return false;
}

}  // namespace quiver
