// Where hint bits lie, and what a commit without a log leaves of them.
#include "page/hints.h"

#include <gtest/gtest.h>

namespace quiver {
namespace {

struct alignas(8) Page {
  uint8_t bytes[kPageBytes] = {};
};

// Every row that a page of any kind can have has a bit above its data.
TEST(Hints, EveryRowHasRoom) {
  Page page;
  InitPage(page.bytes, PageKind::kPosting, kPostingsPerPage * sizeof(PostingEntry));
  EXPECT_TRUE(HasHintRoom(page.bytes, kPostingsPerPage - 1));
  for (const QuiverForm form : {QUIVER_FORM_DENSE, QUIVER_FORM_BITS, QUIVER_FORM_SPARSE}) {
    for (uint32_t dim = 1; dim <= 16000; dim += dim < 200 ? 1 : 97) {
      for (const int m : {2, 16, 100}) {
        for (const int metric : {1, 4, 5}) {
          if ((form == QUIVER_FORM_BITS) != (metric == 5)) continue;
          const QuiverIndexParams params = {
              dim, form, static_cast<QuiverMetric>(metric), QUIVER_STORAGE_AUTO, m, 64, 1, 0};
          NodeLayout layout;
          ASSERT_TRUE(ChooseLayout(params, form == QUIVER_FORM_SPARSE ? dim / 10 * 8 : 0, &layout));
          InitPage(page.bytes, PageKind::kNode, NodePageBytes(layout));
          EXPECT_TRUE(HasHintRoom(page.bytes, NodeRow(layout.nodes_per_page - 1, 1))) << dim;
          if (!HasList(layout)) continue;
          const auto entries = static_cast<uint32_t>(ListEntriesPerPage(layout));
          InitPage(page.bytes, PageKind::kList, entries * ListEntryBytes(layout));
          EXPECT_TRUE(HasHintRoom(page.bytes, entries - 1)) << dim;
        }
      }
    }
  }
}

TEST(Hints, OneBitIsOneRow) {
  Page page;
  InitPage(page.bytes, PageKind::kPosting, 0);
  for (uint32_t row = 0; row < kPostingsPerPage; row += 7) {
    memset(page.bytes + kPageHeaderBytes, 0, kPageDataBytes);
    page.bytes[HintOffset(row)] |= HintMask(row);
    EXPECT_EQ(PageCounter(page.bytes), 0u);
    for (uint32_t other = 0; other < kPostingsPerPage; other++)
      EXPECT_EQ(IsKilled(page.bytes, other), other == row) << row << ", " << other;
  }
}

// Data where the bits should be are no bits.
TEST(Hints, StopAtTheData) {
  Page page;
  InitPage(page.bytes, PageKind::kPosting, 0);
  memset(page.bytes + kPageHeaderBytes, 0xFF, kPageDataBytes);
  SetPageDataBytes(page.bytes, kPageDataBytes - 10);
  EXPECT_TRUE(IsKilled(page.bytes, 15));
  EXPECT_FALSE(IsKilled(page.bytes, 16));
  EXPECT_FALSE(IsKilled(page.bytes, 8 * kMostHintBytes));
  EXPECT_FALSE(IsKilled(page.bytes, 0xFFFFFFFF));
}

TEST(Hints, HideEntriesOfACopy) {
  Page page;
  InitPage(page.bytes, PageKind::kNode, 4000);
  PostingEntry entries[2] = {PostingEntry::Make({1, 2}), PostingEntry::Make({3, 4})};
  EXPECT_EQ(HideKilled(page.bytes, NodeRow(5, 0), entries, 2), 2u);
  page.bytes[HintOffset(NodeRow(5, 1))] |= HintMask(NodeRow(5, 1));
  EXPECT_EQ(HideKilled(page.bytes, NodeRow(5, 0), entries, 2), 1u);
  EXPECT_EQ(entries[0].offset, 2);
  EXPECT_EQ(entries[1].offset, 0);
}

// The counter goes on from the page's, not from the image's, which may be a new
// kind of page; bits go.
TEST(Hints, AChangeIsCounted) {
  Page page;
  Page image;
  InitPage(page.bytes, PageKind::kList, 100);
  for (uint64_t n = 1; n <= 300; n++) {
    image = page;
    if (n % 5 == 0) InitPage(image.bytes, PageKind::kFree, 0);
    image.bytes[HintOffset(3)] |= HintMask(3);
    quiver_page_count_change(image.bytes, page.bytes);
    EXPECT_EQ(quiver_page_counter(image.bytes), n);
    EXPECT_FALSE(IsKilled(image.bytes, 3));
    EXPECT_TRUE(IsSoundPage(image.bytes));
    page = image;
  }
  // No room: left alone.
  SetPageDataBytes(image.bytes, kPageDataBytes - 7);
  const Page before = image;
  quiver_page_count_change(image.bytes, page.bytes);
  EXPECT_EQ(memcmp(before.bytes, image.bytes, kPageBytes), 0);
}

}  // namespace
}  // namespace quiver
