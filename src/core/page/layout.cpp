#include "page/layout.h"

#include <algorithm>

#include "page/chunk.h"
#include "page/node.h"

namespace quiver {

uint32_t DefaultBits(uint32_t dim) {
  return dim < 48 ? 4 : dim < 384 ? 2 : 1;
}

namespace {

uint32_t CodeBytes(Codec codec, uint32_t dim, uint32_t bits) {
  switch (codec) {
    case Codec::kEdge:
      return bits * ((dim + 7) / 8);
    case Codec::kBits:
      return (dim + 7) / 8;
    case Codec::kNone:
      break;
  }
  return 0;
}

// Of a slot, beside its code: number 4, generation 2, and f and g or a length 4.
uint32_t SlotBytes(Codec codec) {
  return codec == Codec::kBits ? 6 : 10;
}

uint32_t VectorBytes(const LayoutChoice& choice) {
  switch (choice.form) {
    case QUIVER_FORM_DENSE:
      return choice.dim * (choice.float32 ? 4 : 2);
    case QUIVER_FORM_BITS:
      return (choice.dim + 7) / 8;
    case QUIVER_FORM_SPARSE:
      break;
  }
  return choice.sparse_bytes;
}

// Codes are read in place up to 64 bytes past the last one: what follows them is
// the vector, or this, and on the last node of a page the hole and special space.
constexpr uint32_t kAfterCodes = 64 - kNodePageHole - kPageSpecialBytes;

uint32_t RoundUp8(uint32_t bytes) {
  return (bytes + 7) / 8 * 8;
}

bool IsSoundChoice(const LayoutChoice& c) {
  if (c.slots < kMinSlots || c.slots > kMaxSlots) return false;
  if (c.nodes_per_page < 1 || c.nodes_per_page > kPageBytes || c.dim < 1) return false;
  switch (c.form) {
    case QUIVER_FORM_DENSE:
      if (c.codec == Codec::kEdge ? c.bits != 1 && c.bits != 2 && c.bits != 4 : c.bits != 0)
        return false;
      return c.codec != Codec::kBits && c.dim <= QUIVER_MAX_DIM && c.sparse_bytes == 0;
    case QUIVER_FORM_BITS:
      return c.codec == (c.dim <= kMostCodedBits ? Codec::kBits : Codec::kNone) && c.bits == 0 &&
             c.dim <= QUIVER_MAX_BITS && !c.float32 && c.sparse_bytes == 0;
    case QUIVER_FORM_SPARSE:
      return c.codec == Codec::kNone && c.bits == 0 && c.dim <= QUIVER_MAX_SPARSE_DIM &&
             c.float32 && c.sparse_bytes % 8 == 0 && c.sparse_bytes <= kNodePageBytes;
  }
  return false;
}

}  // namespace

bool MakeLayout(const LayoutChoice& choice, NodeLayout* layout) {
  if (!IsSoundChoice(choice)) return false;
  NodeLayout l = {};
  l.dim = choice.dim;
  l.form = choice.form;
  l.codec = choice.codec;
  l.bits = choice.bits;
  l.slots = choice.slots;
  l.nodes_per_page = choice.nodes_per_page;
  l.float32 = choice.float32;
  l.vector_bytes = VectorBytes(choice);
  l.code_bytes = CodeBytes(choice.codec, choice.dim, choice.bits);
  l.number_offset = sizeof(NodeHead);
  l.f_offset = l.number_offset + l.slots * 4;
  l.g_offset = l.f_offset + (l.codec == Codec::kBits ? 0 : l.slots * 2);
  l.generation_offset = l.g_offset + (l.codec == Codec::kBits ? 0 : l.slots * 2);
  l.code_offset = l.generation_offset + l.slots * 2;
  l.codes_at_home = l.slots;
  l.vector_offset = RoundUp8(l.code_offset + l.slots * l.code_bytes);
  l.vector_at_home = true;
  l.node_bytes = RoundUp8(l.vector_offset + l.vector_bytes);
  if (l.code_bytes > 0)
    l.node_bytes =
        std::max(l.node_bytes, RoundUp8(l.code_offset + l.slots * l.code_bytes + kAfterCodes));
  const uint32_t room = kNodePageBytes / l.nodes_per_page / 8 * 8;
  if (l.node_bytes > room) {
    // The vector goes to chunk pages, and of the codes those that do not fit.
    if (l.form == QUIVER_FORM_SPARSE || l.code_offset > room) return false;
    l.vector_at_home = false;
    if (l.code_bytes > 0) {
      l.codes_at_home = std::min(l.slots, (room - l.code_offset) / l.code_bytes);
      l.codes_per_chunk = l.codes_at_home == l.slots ? 0 : kChunkBytes / l.code_bytes;
    }
    l.node_bytes = RoundUp8(l.code_offset + l.codes_at_home * l.code_bytes);
    if (l.node_bytes > room) return false;
  }
  *layout = l;
  return true;
}

namespace {

// A choice of nodes and slots: the most nodes a page that leave each `wanted`
// slots; else one node with at least `least`.  False when not even that fits.
bool ChooseOnePage(LayoutChoice* c, uint32_t wanted, uint32_t least, uint32_t most) {
  const uint32_t code = CodeBytes(c->codec, c->dim, c->bits);
  const uint32_t vector = RoundUp8(VectorBytes(*c));
  const uint32_t fixed = sizeof(NodeHead) + (code > 0 ? std::max(vector, kAfterCodes) : vector);
  for (uint32_t nodes = kNodePageBytes / (sizeof(NodeHead) + 1); nodes > 0; nodes--) {
    const uint32_t room = kNodePageBytes / nodes / 8 * 8;
    const uint32_t slots = room <= fixed ? 0 : (room - fixed) / (code + SlotBytes(c->codec));
    if (slots < wanted && (nodes > 1 || slots < least)) continue;
    c->nodes_per_page = nodes;
    c->slots = std::min(slots, most);
    return true;
  }
  return false;
}

// Nodes larger than a page: as few pages of codes as hold the wanted slots, and
// as many slots as these hold.
void ChooseChunks(LayoutChoice* c, uint32_t wanted, uint32_t most) {
  const uint32_t code = CodeBytes(c->codec, c->dim, c->bits);
  const uint32_t slot = SlotBytes(c->codec);
  if (code == 0) {
    c->slots = most;
    c->nodes_per_page = kNodePageBytes / RoundUp8(sizeof(NodeHead) + most * slot);
    return;
  }
  const auto fits = [&](uint32_t slots, uint32_t chunks) {
    const uint32_t used = sizeof(NodeHead) + slots * slot;
    return used <= kNodePageBytes &&
           (kNodePageBytes - used) / code + chunks * (kChunkBytes / code) >= slots;
  };
  uint32_t chunks = 0;
  while (!fits(wanted, chunks)) chunks++;
  c->nodes_per_page = 1;
  c->slots = wanted;
  while (c->slots < most && fits(c->slots + 1, chunks)) c->slots++;
}

bool Choose(LayoutChoice* c, uint32_t m, NodeLayout* layout) {
  const uint32_t most = std::max(kMinSlots, std::min(2 * m, kMaxSlots));
  // Long codes are dear and large vectors leave their page room anyway; short
  // ones buy recall cheaply (docs/decisions/0003-slots-per-node.md).  Without
  // codes a slot costs next to nothing.
  const uint32_t many = c->dim >= 384 ? (5 * m + 3) / 4 : (7 * m + 3) / 4;
  const uint32_t wanted =
      c->codec == Codec::kNone ? most : std::min(most, std::max(kMinSlots, many));
  const uint32_t least = std::min(wanted, std::max(kMinSlots, 3 * m / 4));
  // A node of several pages has slots for all it may: what a search reads for it
  // is dear, and one more page of codes makes it read half as many.
  if (!ChooseOnePage(c, wanted, least, most)) ChooseChunks(c, most, most);
  return MakeLayout(*c, layout);
}

bool ChooseDense(const QuiverIndexParams& params, NodeLayout* layout) {
  LayoutChoice c = {params.dim, params.form, Codec::kNone, 0, 0, 0, false, 0};
  if (params.metric != QUIVER_METRIC_L1) {
    c.codec = Codec::kEdge;
    c.bits = DefaultBits(params.dim);
  }
  const auto m = static_cast<uint32_t>(params.m);
  NodeLayout half;
  NodeLayout full;
  const bool fits_half = Choose(&c, m, &half);
  c.float32 = true;
  const bool fits_full = Choose(&c, m, &full);
  const bool free_of_charge = fits_full && full.nodes_per_page == half.nodes_per_page &&
                              full.slots == half.slots && full.vector_at_home;
  const bool float32 = params.storage == QUIVER_STORAGE_FLOAT32 ||
                       (params.storage == QUIVER_STORAGE_AUTO && free_of_charge);
  *layout = float32 ? full : half;
  return float32 ? fits_full : fits_half;
}

// As many nodes on a page as leave each room for `bytes` of vector; what is over is
// shared out.  Longer vectors go to chunk pages.
bool ChooseSparse(const QuiverIndexParams& params, uint32_t bytes, NodeLayout* layout) {
  const auto m = static_cast<uint32_t>(params.m);
  LayoutChoice c = {params.dim, params.form, Codec::kNone, 0, 0, 0, true, 0};
  c.slots = std::max(kMinSlots, std::min(2 * m, kMaxSlots));
  const uint32_t fixed = RoundUp8(sizeof(NodeHead) + c.slots * SlotBytes(c.codec));
  const uint32_t wanted = std::min(RoundUp8(bytes), kNodePageBytes - fixed);
  c.nodes_per_page = kNodePageBytes / (fixed + wanted);
  c.sparse_bytes = kNodePageBytes / c.nodes_per_page / 8 * 8 - fixed;
  return MakeLayout(c, layout);
}

}  // namespace

bool ChooseLayout(const QuiverIndexParams& params, uint32_t sparse_bytes, NodeLayout* layout) {
  const bool of_bits =
      params.metric == QUIVER_METRIC_HAMMING || params.metric == QUIVER_METRIC_JACCARD;
  if (params.metric < QUIVER_METRIC_L2 || params.metric > QUIVER_METRIC_JACCARD ||
      of_bits != (params.form == QUIVER_FORM_BITS) || params.dim < 1)
    return false;
  switch (params.form) {
    case QUIVER_FORM_DENSE:
      return params.dim <= QUIVER_MAX_DIM && ChooseDense(params, layout);
    case QUIVER_FORM_SPARSE:
      return params.dim <= QUIVER_MAX_SPARSE_DIM && ChooseSparse(params, sparse_bytes, layout);
    case QUIVER_FORM_BITS:
      break;
  }
  LayoutChoice c = {params.dim, params.form, Codec::kNone, 0, 0, 0, false, 0};
  if (params.dim > QUIVER_MAX_BITS) return false;
  if (params.dim <= kMostCodedBits) c.codec = Codec::kBits;
  return Choose(&c, static_cast<uint32_t>(params.m), layout);
}

}  // namespace quiver
