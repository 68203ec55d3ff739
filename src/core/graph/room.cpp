#include "graph/room.h"

namespace quiver {

int FreeSlot(const uint8_t* page, const NodeLayout& layout, PageKind kind) {
  if (!IsNodePage(page, layout, kind)) return -1;
  for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
    if (!ConstNode(page, layout, slot).in_use()) return static_cast<int>(slot);
  return -1;
}

uint32_t TakeOffRoom(const GraphContext& context, PageKind kind, uint32_t block) {
  const Store& store = context.store;
  QuiverPin meta;
  QuiverPin pin;
  Partition partition = Meta(store.Lock(kMetaBlock, &meta))->partition;
  uint32_t& first = RoomOf(&partition, kind);
  if (first == block && block != kMetaBlock && block < store.BlockCount()) {
    const uint8_t* page = store.Lock(block, &pin);
    const bool of_chain =
        IsNodePage(page, context.layout(), kind) && (Special(page)->flags & kInRoomChain) != 0;
    if (FreeSlot(page, context.layout(), kind) < 0 || !of_chain) {
      // A chain that leads elsewhere is given up: it costs space until vacuum.
      const uint32_t next = Special(page)->next;
      first = of_chain && next != kMetaBlock && next != block ? next : QUIVER_INVALID_BLOCK;
      store.Begin();
      Meta(store.Edit(&meta))->partition = partition;
      if (of_chain) {
        PageSpecial* special = Special(store.Edit(&pin));
        special->flags = static_cast<uint8_t>(special->flags & ~kInRoomChain);
        special->next = QUIVER_INVALID_BLOCK;
      }
      store.Commit();
    }
    store.Release(&pin);
  } else if (first == block) {
    first = QUIVER_INVALID_BLOCK;
    store.Begin();
    Meta(store.Edit(&meta))->partition = partition;
    store.Commit();
  }
  store.Release(&meta);
  return first;
}

}  // namespace quiver
