// Chains of pages: the list, the rows without a distance, pages with room for nodes, a
// node's further rows; and pages that belong to nothing.
#ifndef QUIVER_GRAPH_VERIFY_CHAINS_H
#define QUIVER_GRAPH_VERIFY_CHAINS_H

#include "graph/verify_state.h"
#include "graph/visited.h"

namespace quiver {

class ChainVerifier {
 public:
  explicit ChainVerifier(VerifyState* state)
      : state_(state), seen_(state->allocator), walked_(state->allocator) {}

  // What the meta page names: list, loose rows, entry point, pages with room.
  void VerifyPartition();

  // The pages with the further rows of a node.  `head` is a copy.
  void VerifyPostings(uint32_t number, const NodeHead& head);

  // After all chains: pages that the first pass found and no chain led to.
  void VerifyOrphans();

 private:
  // Walks until it goes well, or twice ends in the same fault while what the meta page
  // says of it stayed the same.  A chain that changes every time has none.
  template <class Walk, class Same>
  Fault Settle(const Walk& walk, const Same& same);

  Fault WalkPages(PageKind kind, uint32_t head, uint8_t flags, const char* lost);
  Fault WalkList(const Partition& partition);
  Fault WalkLoose(const Partition& partition);
  Fault WalkPostings(uint32_t number, const NodeHead& head);
  Fault FindEntry(const Partition& partition);
  Fault SettleList();
  Fault SettleLoose();
  void VerifyRoom(PageKind kind);
  uint32_t FindOutsideRoom(PageKind kind);
  bool IsOnChainNow(uint32_t block, PageKind kind, const PostingHead& head);
  bool ReadOrphan(uint32_t block, PostingHead* head, size_t* rows);
  void VerifyOrphan(uint32_t block);
  void ReferToWalked();

  VerifyState* state_;
  Visited seen_;
  ArenaVector<uint32_t> walked_;  // pages of the chain that was walked last
  uint64_t orphans_ = 0;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_VERIFY_CHAINS_H
