#include "graph/page_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/f16.h"

namespace quiver {

namespace {

// Rounds of joining: as a rule the fourth finds next to nothing.
constexpr int kMostRounds = 8;
// A round that joins fewer nodes than one in so many is the last.
constexpr uint32_t kLeastShare = 200;
constexpr uint32_t kPollPages = 64;
// What takes no page's look polls once in so many steps: a sort's comparisons, seats.
constexpr uint32_t kPollSteps = 1 << 20;

// nodes_per_page is less: a head alone has 64 bytes.
constexpr uint32_t kSizes = 256;
static_assert(kPageDataBytes / sizeof(NodeHead) < kSizes);

// Grows with the distance between a node and its neighbours; all that is compared.
class Lengths {
 public:
  Lengths(const QuiverKernels& kernels, const NodeLayout& layout, const ConstNode& node)
      : kernels_(kernels), layout_(layout), node_(node) {}

  float operator[](uint32_t slot) const {
    switch (layout_.codec) {
      case Codec::kNone:
        return node_.lengths()[slot];
      case Codec::kEdge:  // g is the length, times what hardly differs (edges.h)
        return std::fabs(F16ToF32(node_.g()[slot])) * node_.head().g_scale;
      case Codec::kBits:
        return static_cast<float>(
            kernels_.hamming(node_.vector(), node_.code(slot), layout_.code_bytes));
    }
    return std::numeric_limits<float>::infinity();
  }

 private:
  const QuiverKernels& kernels_;
  const NodeLayout& layout_;
  const ConstNode& node_;
};

}  // namespace

PageGroups::PageGroups(const GraphContext& context, MemoryPages* pages, const Seats& seats)
    : context_(&context),
      pages_of_build_(pages),
      seats_(seats),
      seats_count_(seats.pages * context.layout().nodes_per_page) {
  const uint32_t per_page = context.layout().nodes_per_page;
  if (seats_count_ > kNobody - kSizes)
    context.store.Fail(QUIVER_ERROR_LIMIT, QUIVER_INVALID_BLOCK, -1,
                       "the index has no more node numbers");
  groups_ = AllocateArray<uint32_t>(context.allocator, seats_count_);
  // In place of edges, `order_` needs room for two pages more.
  edges_ = AllocateArray<Edge>(context.allocator, size_t{seats_count_} + per_page);
  ends_ = reinterpret_cast<uint32_t*>(edges_);
  members_ = ends_ + seats_count_;
  order_ = members_ + seats_count_;
}

void PageGroups::Step() {
  if (++steps_ % kPollSteps == 0) context_->store.Poll();
}

void PageGroups::Arrange() {
  FindNodes();
  // Nodes that have a page each stay in their order.
  for (int round = 0; round < kMostRounds && context_->layout().nodes_per_page > 1; round++) {
    const uint32_t proposed = Propose();
    std::sort(edges_, edges_ + proposed, [this](const Edge& a, const Edge& b) {
      Step();
      return a.length != b.length ? a.length < b.length : a.from < b.from;
    });
    uint32_t joined = 0;
    for (uint32_t i = 0; i < proposed; i++) {
      Step();
      joined += Join(edges_[i].from, edges_[i].to) ? 1 : 0;
    }
    if (joined < seats_count_ / kLeastShare + 1) break;
  }

  // The members of each group, one after the other.
  uint32_t sum = 0;
  for (Seat seat = 0; seat < seats_count_; seat++) {
    Step();
    if (!IsRoot(seat)) continue;
    ends_[seat] = sum;
    sum += Size(seat);
  }
  for (Seat seat = 0; seat < seats_count_; seat++) {
    Step();
    if (groups_[seat] != kNobody) members_[ends_[Root(seat)]++] = seat;
  }

  const uint32_t per_page = context_->layout().nodes_per_page;
  const Seat bottom = seats_.upper_pages * per_page;
  upper_pages_ = FillPages(0, bottom, 0) / per_page;
  pages_ = FillPages(bottom, seats_count_, upper_pages_ * per_page) / per_page;
  for (uint32_t place = 0; place < pages_ * per_page; place++)
    if (order_[place] != kNobody) groups_[order_[place]] = place;
}

// Each a group of its own.
void PageGroups::FindNodes() {
  const NodeLayout& layout = context_->layout();
  for (uint32_t rank = 0; rank < seats_.pages; rank++) {
    if (rank % kPollPages == 0) context_->store.Poll();
    const uint8_t* page = pages_of_build_->page(seats_.blocks[rank]);
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
      groups_[layout.NumberOf(rank, slot)] =
          ConstNode(page, layout, slot).in_use() ? kNobody - 1 : kNobody;
  }
}

// Into edges_: of each node the shortest edge that could join two groups; how many.
uint32_t PageGroups::Propose() {
  const NodeLayout& layout = context_->layout();
  uint32_t proposed = 0;
  for (uint32_t rank = 0; rank < seats_.pages; rank++) {
    if (rank % kPollPages == 0) context_->store.Poll();
    const uint8_t* page = nullptr;
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
      const Seat seat = layout.NumberOf(rank, slot);
      if (groups_[seat] == kNobody || Size(Root(seat)) == layout.nodes_per_page) continue;
      if (page == nullptr) page = pages_of_build_->page(seats_.blocks[rank]);
      if (ProposeFor(ConstNode(page, layout, slot), seat, &edges_[proposed])) proposed++;
    }
  }
  return proposed;
}

bool PageGroups::ProposeFor(const ConstNode& node, Seat seat, Edge* edge) const {
  const NodeLayout& layout = context_->layout();
  const Lengths lengths(*context_->kernels, layout, node);
  const Seat root = Root(seat);
  *edge = {std::numeric_limits<float>::infinity(), seat, kNobody};
  for (uint32_t i = 0; i < node.slot_count(); i++) {
    const float length = lengths[i];
    if (!(length < edge->length)) continue;
    const Seat to = seats_.Of(layout, node.numbers()[i]);
    const Seat other = Root(to);
    if (other == root || Size(root) + Size(other) > layout.nodes_per_page) continue;
    edge->length = length;
    edge->to = to;
  }
  return edge->to != kNobody;
}

// False where they are one group already, or too many for one.
bool PageGroups::Join(Seat a, Seat b) {
  a = Root(a);
  b = Root(b);
  const uint32_t size = Size(a) + Size(b);
  if (a == b || size > context_->layout().nodes_per_page) return false;
  groups_[std::max(a, b)] = std::min(a, b);
  groups_[std::min(a, b)] = kNobody - size;
  return true;
}

// Gives the nodes at `first` .. `end` their places from `place` on: full groups first, then others
// that fill a page together, by their lowest seats.  A group is divided where none fits, so that
// the last page alone has places left.  The place after that page.
uint32_t PageGroups::FillPages(Seat first, Seat end, uint32_t place) {
  const uint32_t per_page = context_->layout().nodes_per_page;
  Seat cursors[kSizes];
  std::fill_n(cursors, kSizes, first);
  // The next group of a size, or `end`.
  const auto next = [&](uint32_t size) {
    Seat& seat = cursors[size];
    for (; seat < end && !(IsRoot(seat) && Size(seat) == size); seat++) Step();
    return seat;
  };
  const auto put = [&](const Seat* members, uint32_t count) {
    std::copy_n(members, count, order_ + place);
    place += count;
  };
  for (Seat seat; (seat = next(per_page)) < end; cursors[per_page]++)
    put(members_ + ends_[seat] - per_page, per_page);

  const Seat* rest = nullptr;  // of a group that has been divided
  uint32_t rest_count = 0;
  for (;;) {
    uint32_t room = per_page - rest_count;
    put(rest, rest_count);
    rest_count = 0;
    while (room > 0) {
      uint32_t size = std::min(room, per_page - 1);
      while (size > 0 && next(size) == end) size--;
      if (size == 0)
        for (size = room + 1; size < per_page && next(size) == end;) size++;
      if (size == 0 || size >= per_page) break;
      const Seat* members = members_ + ends_[cursors[size]++] - size;
      const uint32_t count = std::min(size, room);
      put(members, count);
      rest = members + count;
      rest_count = size - count;
      room -= count;
    }
    if (room == per_page) return place;
    std::fill_n(order_ + place, room, kNobody);
    place += room;
    if (room > 0) return place;
  }
}

}  // namespace quiver
