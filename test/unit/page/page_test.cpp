// Pages: bounds, kinds, and the arrays that lie on them.
#include "page/page.h"

#include <gtest/gtest.h>

#include "page/list_page.h"
#include "page/node.h"

namespace quiver {
namespace {

constexpr QuiverIndexParams kParams = {
    100, QUIVER_FORM_DENSE, QUIVER_METRIC_L2, QUIVER_STORAGE_AUTO, 16, 64, 1, 0};

struct alignas(8) Bytes {
  uint8_t page[kPageBytes] = {};
};

TEST(Page, ZerosAreANewPageAndNotSound) {
  Bytes bytes;
  EXPECT_TRUE(IsNewPage(bytes.page));
  EXPECT_FALSE(IsSoundPage(bytes.page));
}

TEST(Page, InitMakesAnEmptySoundPage) {
  Bytes bytes;
  memset(bytes.page, 0xEE, kPageBytes);
  Special(bytes.page)->magic = 0;
  InitPage(bytes.page, PageKind::kList, 0);
  EXPECT_FALSE(IsNewPage(bytes.page));
  EXPECT_TRUE(IsPageOf(bytes.page, PageKind::kList));
  EXPECT_FALSE(IsPageOf(bytes.page, PageKind::kNode));
  EXPECT_EQ(Special(bytes.page)->generation, 0u);
  EXPECT_EQ(Special(bytes.page)->next, QUIVER_INVALID_BLOCK);
  for (size_t i = kPageHeaderBytes; i < kPageSpecialOffset; i++) ASSERT_EQ(bytes.page[i], 0) << i;
}

// Pointers stay comparable over a page's whole life.
TEST(Page, InitKeepsTheGenerationCounter) {
  Bytes bytes;
  InitPage(bytes.page, PageKind::kNode, 0);
  Special(bytes.page)->generation = 77;
  InitPage(bytes.page, PageKind::kFree, 0);
  InitPage(bytes.page, PageKind::kUpper, 0);
  EXPECT_EQ(Special(bytes.page)->generation, 77u);
}

TEST(Page, DamagedBoundsAreNotSound) {
  for (const size_t offset :
       {offsetof(PageHeader, lower), offsetof(PageHeader, upper), offsetof(PageHeader, special)}) {
    for (const uint16_t value : {0, 23, 8177, 8192, 65535}) {
      Bytes bytes;
      InitPage(bytes.page, PageKind::kPosting, 0);
      memcpy(bytes.page + offset, &value, sizeof value);
      EXPECT_FALSE(IsSoundPage(bytes.page)) << offset << ": " << value;
    }
  }
}

TEST(Page, UnknownKindsAndPartitionsAreNotSound) {
  Bytes bytes;
  for (const int kind : {0, 10, 255}) {
    InitPage(bytes.page, static_cast<PageKind>(kind), 0);
    EXPECT_FALSE(IsSoundPage(bytes.page)) << kind;
  }
  InitPage(bytes.page, PageKind::kNode, 0);
  Special(bytes.page)->partition = 1;
  EXPECT_FALSE(IsSoundPage(bytes.page));
}

TEST(Posting, EntriesKeepAnyAddress) {
  for (const uint32_t block : {0u, 1u, 65535u, 65536u, 0xFFFFFFFEu}) {
    for (const uint16_t offset : {1, 291, 65535}) {
      const QuiverTid tid = PostingEntry::Make({block, offset}).tid();
      EXPECT_EQ(tid.block, block);
      EXPECT_EQ(tid.offset, offset);
    }
  }
}

TEST(Posting, FillsThePageAndLeavesRoomForHints) {
  Bytes bytes;
  InitPage(bytes.page, PageKind::kPosting, 0);
  while (PostingCount(bytes.page) < kPostingsPerPage)
    AppendPosting(bytes.page, PostingEntry::Make({7, 1}));
  EXPECT_TRUE(IsSoundPage(bytes.page));
  const size_t lower = PageAt<PageHeader>(bytes.page, 0)->lower;
  EXPECT_GE(kPageSpecialOffset - lower, (kPostingsPerPage + 7) / 8);
}

// Whatever pd_lower says, no more entries than fit are believed.
TEST(Posting, CountIsBounded) {
  Bytes bytes;
  InitPage(bytes.page, PageKind::kPosting, kPageDataBytes);
  EXPECT_EQ(PostingCount(bytes.page), kPostingsPerPage);
}

TEST(ListPage, RemovingClosesTheGap) {
  NodeLayout layout;
  ASSERT_TRUE(ChooseLayout(kParams, 0, &layout));
  Bytes bytes;
  InitPage(bytes.page, PageKind::kList, 0);
  const size_t most = ListEntriesPerPage(layout);
  for (size_t i = 0; i < most; i++) {
    ListEntry* entry = ListAt(bytes.page, layout, i);
    *entry = ListEntry{i, PostingEntry::Make({static_cast<uint32_t>(i), 1}), 1.0f, 0, 0};
    memset(entry->vector(), static_cast<int>(i), layout.vector_bytes);
    SetListCount(bytes.page, layout, i + 1);
  }
  EXPECT_TRUE(IsSoundPage(bytes.page));
  EXPECT_EQ(ListCount(bytes.page, layout), most);
  RemoveListEntry(bytes.page, layout, most - 1);
  RemoveListEntry(bytes.page, layout, 0);
  RemoveListEntry(bytes.page, layout, 3);
  ASSERT_EQ(ListCount(bytes.page, layout), most - 3);
  const uint64_t expected[] = {1, 2, 3, 5, 6};
  for (size_t i = 0; i < 5; i++) {
    EXPECT_EQ(ListAt(bytes.page, layout, i)->hash, expected[i]);
    EXPECT_EQ(ListAt(bytes.page, layout, i)->vector()[layout.vector_bytes - 1], expected[i]);
  }
}

TEST(NodePage, CountsAreBounded) {
  NodeLayout layout;
  ASSERT_TRUE(ChooseLayout(kParams, 0, &layout));
  Bytes bytes;
  const Node node(bytes.page, layout, 1);
  node.head().slot_count = 255;
  node.head().posting_count = 255;
  EXPECT_EQ(node.slot_count(), layout.slots);
  EXPECT_EQ(node.posting_count(), kInlinePostings);
}

TEST(NodePage, ItsEndMustBeThatOfItsNodes) {
  NodeLayout layout;
  ASSERT_TRUE(ChooseLayout(kParams, 0, &layout));
  Bytes bytes;
  InitPage(bytes.page, PageKind::kNode, NodePageBytes(layout));
  EXPECT_TRUE(IsNodePage(bytes.page, layout, PageKind::kNode));
  EXPECT_FALSE(IsNodePage(bytes.page, layout, PageKind::kUpper));
  SetPageDataBytes(bytes.page, NodePageBytes(layout) - 8);
  EXPECT_FALSE(IsNodePage(bytes.page, layout, PageKind::kNode));
}

}  // namespace
}  // namespace quiver
