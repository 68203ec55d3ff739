// Pages by themselves: what can be seen without looking at another one.
#ifndef QUIVER_GRAPH_VERIFY_PAGE_H
#define QUIVER_GRAPH_VERIFY_PAGE_H

#include "graph/verify_state.h"
#include "page/list_page.h"

namespace quiver {

class PageVerifier {
 public:
  explicit PageVerifier(VerifyState* state) : state_(state) {}

  // Looks at a copy of a page, notes what is on it, hands out its rows.
  void Verify(uint32_t block, const uint8_t* page);

 private:
  bool HasSoundBounds(uint32_t block, const uint8_t* page);
  void VerifyNodes(uint32_t block, const uint8_t* page, bool upper);
  void VerifyHead(uint32_t block, uint32_t slot, const ConstNode& node, bool upper,
                  uint32_t counter);
  void VerifyCounter(uint32_t block, const uint8_t* page);
  void VerifyRowsOfHead(uint32_t block, int item, const NodeHead& head, bool upper);
  void VerifyFreePlace(uint32_t block, int item, const NodeHead& head);
  void VerifyList(uint32_t block, const uint8_t* page);
  void VerifyRows(uint32_t block, const uint8_t* page, bool loose);
  void VerifyRow(uint32_t block, int item, PostingEntry row, bool loose);
  void VerifyVector(uint32_t block, int item, const StoredVector& stored, bool at_home);

  VerifyState* state_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_VERIFY_PAGE_H
