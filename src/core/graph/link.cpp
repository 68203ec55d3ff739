#include "graph/link.h"

#include <limits>

namespace quiver {

EdgeSides EncodeEdge(const GraphContext& context, const Query& from,
                     const StoredVector& from_stored, const StoredVector& to, float* scratch,
                     uint8_t* code, uint8_t* back_code) {
  const NodeLayout& layout = context.layout();
  const QuiverIndex& index = *context.index;
  EdgeSides sides = {};
  switch (layout.codec) {
    case Codec::kEdge: {
      QuiverEdgeTerms terms;
      Decode(*context.kernels, index, to.bytes, to.scale, scratch);
      context.kernels->encode_edge(from.vector, scratch, index.center(), layout.dim,
                                   static_cast<int>(layout.bits), code, &terms);
      ComplementCode(layout, code, back_code);
      sides.factors = ForwardFactors(index.metric, terms);
      sides.back_factors = BackwardFactors(index.metric, terms);
      break;
    }
    case Codec::kBits:
      memcpy(code, to.bytes, layout.code_bytes);
      memcpy(back_code, from_stored.bytes, layout.code_bytes);
      break;
    case Codec::kNone:
      break;
  }
  return sides;
}

LinkWriter::LinkWriter(const GraphContext& context, Search* search)
    : context_(&context),
      search_(search),
      reader_(context),
      self_(context.kernels, context.index, context.allocator) {
  self_.Reserve(true);
}

void LinkWriter::Write(const Link* links, uint32_t count, int level) {
  const NodeLayout& layout = context_->layout();
  uint32_t first = 0;
  while (first < count) {
    if (layout.codec == Codec::kNone) {
      WriteUncoded(links[first++], level);
      continue;
    }
    // As many links as touch the pages of one record.
    uint32_t pages = 0;
    uint32_t last_block = QUIVER_INVALID_BLOCK;
    uint32_t end = first;
    for (; end < count; end++) {
      // A node's chunk pages are read between its page's lock and the record.
      if (!layout.vector_at_home && end > first) break;
      // A second edge of one list is planned from what the first one left.
      const uint32_t block = layout.BlockOf(links[end].list.number);
      if (block == last_block) continue;
      if (pages == QUIVER_MAX_RECORD_PAGES) break;
      last_block = block;
      pages++;
    }
    WriteRecord(links + first, end - first, level);
    first = end;
  }
}

void LinkWriter::WriteRecord(const Link* links, uint32_t count, int level) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  QuiverPin pins[QUIVER_MAX_RECORD_PAGES];
  const uint8_t* pages[QUIVER_MAX_RECORD_PAGES];
  uint32_t page_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t block = layout.BlockOf(links[i].list.number);
    if (page_count > 0 && pins[page_count - 1].block == block) continue;
    pages[page_count] = store.Lock(block, &pins[page_count]);
    page_count++;
  }

  bool open = false;
  uint32_t at = 0;
  for (uint32_t i = 0; i < count; i++) {
    const Link& link = links[i];
    if (pins[at].block != layout.BlockOf(link.list.number)) at++;
    const uint32_t slot = layout.SlotOf(link.list.number);
    // What this record has already changed counts.
    const uint8_t* page = pins[at].edited != nullptr ? pins[at].edited : pages[at];
    if (!HoldsNode(page, layout, link.list, level)) continue;
    const ConstNode now(page, layout, slot);
    const ConstNode whole = reader_.Read(now, link.list.number, NodeReader::kEverything, &pages_);
    LinkDistances distances;
    LinkPlan plan;
    EstimateLinkDistances(*context_, &self_, whole, *link.query, link.distance, &distances);
    PlanLink(*context_, now, link.to, distances, link.distance, &plan);
    if (!plan.accepted) continue;
    if (layout.codes_at_home < layout.slots && plan.slot >= layout.codes_at_home) {
      WriteChunked(link, plan, now, &pins[at]);
      continue;
    }
    if (!open) store.Begin();
    open = true;
    const Node node(store.Edit(&pins[at]), layout, slot);
    WriteSlotOf(layout, node, link, plan);
    memcpy(node.code(plan.slot), link.code, layout.code_bytes);
  }
  if (open) store.Commit();
  while (page_count > 0) store.Release(&pins[--page_count]);
}

// The slot, but not its code, in an edited page.
void LinkWriter::WriteSlotOf(const NodeLayout& layout, const Node& node, const Link& link,
                             const LinkPlan& plan) {
  for (uint32_t j = 0; j < plan.newly_count; j++)
    node.generations()[plan.newly[j]] |= kDominatedBit;
  const auto generation =
      static_cast<uint16_t>(link.to.generation | (plan.dominated ? kDominatedBit : 0));
  // A slot is filled before it is counted: WriteSlot may have to scale all of them.
  const bool grows = plan.slot == node.head().slot_count;
  WriteSlot(layout, node, plan.slot, {link.to.number, generation, link.factors, link.distance});
  if (grows) node.head().slot_count++;
}

// A record of the node's page, which is locked, and of the chunk page that the
// code lies on.  The node has just been read whole.
void LinkWriter::WriteChunked(const Link& link, const LinkPlan& plan, const ConstNode& now,
                              QuiverPin* pin) {
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t part = PartOfCode(now, layout, plan.slot);
  const size_t offset =
      layout.code_offset + size_t{plan.slot} * layout.code_bytes - PartAt(now, layout, part).offset;
  QuiverPin chunk;
  const uint8_t* chunk_page = store.Lock(reader_.BlockOfPart(part), &chunk);
  store.Begin();
  WriteSlotOf(layout, Node(store.Edit(pin), layout, layout.SlotOf(link.list.number)), link, plan);
  // A slot that was taken out has left its code there.
  if (memcmp(ChunkData(chunk_page) + offset, link.code, layout.code_bytes) != 0)
    memcpy(ChunkData(store.Edit(&chunk)) + offset, link.code, layout.code_bytes);
  store.Commit();
  store.Release(&chunk);
}

// Without codes a list knows its own lengths only: how far its neighbours are from
// `to` is read from their pages first, without a lock.  If the list has changed
// by the time it is locked, it is read again; at the last try what has changed
// counts as far away.
void LinkWriter::WriteUncoded(const Link& link, int level) {
  constexpr int kTries = 3;
  const NodeLayout& layout = context_->layout();
  const Store& store = context_->store;
  const uint32_t block = layout.BlockOf(link.list.number);
  const uint32_t slot = layout.SlotOf(link.list.number);
  NodePointer seen[kMaxSlots];
  LinkDistances distances;
  for (int attempt = 1;; attempt++) {
    QuiverPin pin;
    uint32_t seen_count = 0;
    const uint8_t* page = store.Read(block, &pin);
    if (HoldsNode(page, layout, link.list, level)) {
      const ConstNode node(page, layout, slot);
      seen_count = node.slot_count();
      for (uint32_t i = 0; i < seen_count; i++) seen[i] = node.neighbor(i);
    }
    store.Release(&pin);
    // A list with room takes the link whatever it says.
    if (seen_count == layout.slots)
      for (uint32_t i = 0; i < seen_count; i++)
        distances.to_u[i] = search_->DistanceTo(*link.query, seen[i], level);

    page = store.Lock(block, &pin);
    if (!HoldsNode(page, layout, link.list, level)) {
      store.Release(&pin);
      return;
    }
    const ConstNode now(page, layout, slot);
    const uint32_t count = now.slot_count();
    bool changed = count == layout.slots && seen_count < count;
    for (uint32_t i = 0; i < count; i++) {
      const bool same = i < seen_count && seen[i].number == now.neighbor(i).number &&
                        seen[i].generation == now.neighbor(i).generation;
      if (!same || seen_count < layout.slots)
        distances.to_u[i] = std::numeric_limits<float>::infinity();
      changed |= !same && count == layout.slots;
      const float length = now.lengths()[i];
      distances.to_v[i] = length < std::numeric_limits<float>::infinity()
                              ? length
                              : std::numeric_limits<float>::infinity();
    }
    if (changed && attempt < kTries) {
      store.Release(&pin);
      continue;
    }
    LinkPlan plan;
    PlanLink(*context_, now, link.to, distances, link.distance, &plan);
    if (plan.accepted) {
      store.Begin();
      WriteSlotOf(layout, Node(store.Edit(&pin), layout, slot), link, plan);
      store.Commit();
    }
    store.Release(&pin);
    return;
  }
}

}  // namespace quiver
