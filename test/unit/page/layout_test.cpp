// Node layouts: what fits a page, and the figures that the index's size follows from.
#include "page/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "page/list_page.h"
#include "page/node.h"

namespace quiver {
namespace {

constexpr QuiverStorage kStorages[] = {QUIVER_STORAGE_AUTO, QUIVER_STORAGE_FLOAT32,
                                       QUIVER_STORAGE_FLOAT16};

// Parts follow one another without overlap, aligned, and end within the page.
void ExpectSound(const NodeLayout& l) {
  EXPECT_EQ(l.code_offset, sizeof(NodeHead) + l.vector_bytes);
  EXPECT_EQ(l.code_bytes, l.bits * ((l.dim + 7) / 8));
  EXPECT_GE(l.number_offset, l.code_offset + l.slots * l.code_bytes);
  EXPECT_EQ(l.number_offset % 4, 0u);
  EXPECT_EQ(l.generation_offset, l.number_offset + 4 * l.slots);
  EXPECT_EQ(l.f_offset, l.generation_offset + 2 * l.slots);
  EXPECT_EQ(l.g_offset, l.f_offset + 2 * l.slots);
  EXPECT_LE(l.g_offset + 2 * l.slots, l.node_bytes);
  EXPECT_EQ(l.node_bytes % 8, 0u);
  EXPECT_LE(l.OffsetOf(l.nodes_per_page) + kNodePageHole, kPageSpecialOffset);
  // code_dots may read 64 bytes past the last code.
  for (uint32_t slot = 0; slot < l.nodes_per_page; slot++)
    EXPECT_LE(l.OffsetOf(slot) + l.code_offset + l.slots * l.code_bytes + 64, kPageBytes);
  EXPECT_GE(l.slots, kMinSlots);
  EXPECT_LE(l.slots, kMaxSlots);
  // The list takes whatever the graph takes.
  EXPECT_GE(ListEntriesPerPage(l), 1u);
  const size_t entries = ListEntriesPerPage(l);
  EXPECT_LE(entries * ListEntryBytes(l) + (entries + 7) / 8 + 8, kPageDataBytes);
}

TEST(Layout, EveryDimensionIsSoundOrRefused) {
  for (const QuiverStorage storage : kStorages) {
    for (const int m : {2, 5, 16, 40, 100}) {
      for (uint32_t dim = 1; dim <= 4200; dim += dim < 130 ? 1 : 37) {
        NodeLayout layout;
        if (!ChooseLayout(dim, m, storage, &layout)) continue;
        ExpectSound(layout);
        EXPECT_LE(layout.slots, std::max<uint32_t>(kMinSlots, 2 * static_cast<uint32_t>(m)));
        // What the meta page stores gives the same layout again.
        NodeLayout again;
        ASSERT_TRUE(MakeLayout(dim, layout.bits, layout.slots, layout.nodes_per_page,
                               layout.float32, &again));
        EXPECT_EQ(again.node_bytes, layout.node_bytes);
        EXPECT_EQ(again.g_offset, layout.g_offset);
        EXPECT_EQ(again.vector_bytes, layout.vector_bytes);
        if (HasFailure()) FAIL() << dim << " dimensions, m " << m << ", storage " << storage;
      }
    }
  }
}

// Where a dimension fits, so does every smaller one: an error can name the largest.
TEST(Layout, FittingIsMonotonic) {
  for (const QuiverStorage storage : kStorages) {
    for (const int m : {2, 3, 8, 16, 24, 40, 64, 100}) {
      bool fitted = true;
      for (uint32_t dim = 1; dim <= 4200; dim++) {
        NodeLayout layout;
        const bool fits = ChooseLayout(dim, m, storage, &layout);
        ASSERT_TRUE(fitted || !fits) << dim << " dimensions, m " << m << ", storage " << storage;
        fitted = fits;
      }
    }
  }
}

struct Row {
  uint32_t dim;
  uint32_t bits;
  uint32_t nodes;
  uint32_t least_slots;
};

// The table of docs/design.md, 3.2 ("Slots"), for m = 16.
TEST(Layout, NodesAndSlotsOfCommonDimensions) {
  for (const Row& row :
       {Row{100, 2, 6, 30}, Row{128, 2, 5, 30}, Row{384, 1, 4, 20}, Row{512, 1, 3, 20},
        Row{768, 1, 2, 20}, Row{784, 1, 2, 20}, Row{1024, 1, 1, 32}, Row{1536, 1, 1, 24}}) {
    NodeLayout layout;
    ASSERT_TRUE(ChooseLayout(row.dim, 16, QUIVER_STORAGE_AUTO, &layout)) << row.dim;
    EXPECT_EQ(layout.bits, row.bits) << row.dim;
    EXPECT_GE(layout.nodes_per_page, row.nodes) << row.dim;
    EXPECT_GE(layout.slots, row.least_slots) << row.dim;
  }
}

// Bytes of a page a row, against pgvector's hnsw index of the same m: an element
// tuple (72 + 4 d, to 8) and a neighbour tuple of 6 (2 m + m (1/(m-1))) bytes,
// as many as fit 8,152 bytes.  Bars: 1.05 from 768 dimensions, 1.3 at 384 to 512,
// 2.0 around 100.
TEST(Layout, SizeStaysWithinTheBars) {
  const auto other = [](double dim) {
    const double element = std::ceil((72 + 4 * dim) / 8) * 8 + 4;
    const double neighbors = std::ceil((8 + 6 * 2 * 16.0) / 8) * 8 + 4;
    return 8192 / std::floor(8160 / (element + neighbors));
  };
  const auto ours = [](uint32_t dim) {
    NodeLayout layout;
    return ChooseLayout(dim, 16, QUIVER_STORAGE_AUTO, &layout)
               ? 8192.0 / layout.nodes_per_page * 33 / 32
               : 1e9;
  };
  for (const uint32_t dim : {768u, 784u, 1024u, 1536u})
    EXPECT_LE(ours(dim), 1.05 * other(dim)) << dim;
  for (const uint32_t dim : {384u, 512u}) EXPECT_LE(ours(dim), 1.3 * other(dim)) << dim;
  // Its upper layers weigh more at few dimensions than the formula says: measured,
  // 745 bytes a row at 100 (bench/run compare --data=words).
  EXPECT_LE(ours(100), 2.0 * 745);
}

TEST(Layout, FloatsTakeNoMorePagesUnderAuto) {
  for (uint32_t dim = 1; dim <= 2200; dim += 3) {
    NodeLayout automatic;
    NodeLayout half;
    if (!ChooseLayout(dim, 16, QUIVER_STORAGE_AUTO, &automatic)) continue;
    ASSERT_TRUE(ChooseLayout(dim, 16, QUIVER_STORAGE_FLOAT16, &half));
    EXPECT_FALSE(half.float32);
    EXPECT_EQ(automatic.nodes_per_page, half.nodes_per_page) << dim;
    EXPECT_EQ(automatic.slots, half.slots) << dim;
  }
}

TEST(Layout, RefusesWhatMakesNoPage) {
  NodeLayout layout;
  EXPECT_FALSE(ChooseLayout(0, 16, QUIVER_STORAGE_AUTO, &layout));
  EXPECT_FALSE(ChooseLayout(QUIVER_MAX_DIM + 1, 16, QUIVER_STORAGE_AUTO, &layout));
  EXPECT_FALSE(MakeLayout(100, 3, 20, 4, false, &layout));
  EXPECT_FALSE(MakeLayout(100, 0, 20, 4, false, &layout));
  EXPECT_FALSE(MakeLayout(100, 8, 20, 4, false, &layout));
  EXPECT_FALSE(MakeLayout(100, 2, kMinSlots - 1, 4, false, &layout));
  EXPECT_FALSE(MakeLayout(100, 2, kMaxSlots + 1, 1, false, &layout));
  EXPECT_FALSE(MakeLayout(100, 2, 20, 0, false, &layout));
  EXPECT_FALSE(MakeLayout(100, 2, 20, 0xFFFF, false, &layout));
  EXPECT_FALSE(MakeLayout(16000, 1, 20, 1, false, &layout));
  EXPECT_FALSE(MakeLayout(0xFFFFFFFF, 1, 20, 1, true, &layout));
}

TEST(Layout, NumbersNameBlockAndSlot) {
  NodeLayout layout;
  ASSERT_TRUE(ChooseLayout(100, 16, QUIVER_STORAGE_AUTO, &layout));
  for (uint32_t block = 1; block < 50; block++) {
    for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++) {
      const uint32_t number = layout.NumberOf(block, slot);
      EXPECT_EQ(layout.BlockOf(number), block);
      EXPECT_EQ(layout.SlotOf(number), slot);
    }
  }
}

}  // namespace
}  // namespace quiver
