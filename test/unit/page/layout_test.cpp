// Node layouts: what fits a page, and the figures that the index's size follows from.
#include "page/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "page/chunk.h"
#include "page/list_page.h"
#include "page/node.h"

namespace quiver {
namespace {

constexpr QuiverStorage kStorages[] = {QUIVER_STORAGE_AUTO, QUIVER_STORAGE_FLOAT32,
                                       QUIVER_STORAGE_FLOAT16};

QuiverIndexParams Params(uint32_t dim, int m = 16, QuiverStorage storage = QUIVER_STORAGE_AUTO,
                         QuiverMetric metric = QUIVER_METRIC_L2) {
  const bool of_bits = metric == QUIVER_METRIC_HAMMING || metric == QUIVER_METRIC_JACCARD;
  return {dim, of_bits ? QUIVER_FORM_BITS : QUIVER_FORM_DENSE, metric, storage, m, 64, 1, 0};
}

QuiverIndexParams SparseParams(uint32_t dim, int m = 16) {
  return {dim, QUIVER_FORM_SPARSE, QUIVER_METRIC_L2, QUIVER_STORAGE_AUTO, m, 64, 1, 0};
}

// A smallest dimension for each step; dense ones go on to 16,000.
uint32_t NextDim(uint32_t dim) {
  return dim + (dim < 130 ? 1 : dim < 4200 ? 37 : 977);
}

// Parts follow one another without overlap, aligned, and end within the page.
void ExpectSound(const NodeLayout& l) {
  uint32_t slot_bytes = 4 + 2 + l.code_bytes;
  EXPECT_EQ(l.number_offset, sizeof(NodeHead));
  EXPECT_EQ(l.f_offset, l.number_offset + 4 * l.slots);
  if (l.codec == Codec::kBits) {
    EXPECT_EQ(l.generation_offset, l.f_offset);
  } else {
    EXPECT_EQ(l.g_offset, l.f_offset + 2 * l.slots);
    EXPECT_EQ(l.generation_offset, l.g_offset + 2 * l.slots);
    slot_bytes += 4;
  }
  EXPECT_EQ(l.code_offset, l.generation_offset + 2 * l.slots);
  const uint32_t plane = (l.dim + 7) / 8;
  EXPECT_EQ(l.code_bytes, l.codec == Codec::kEdge   ? l.bits * plane
                          : l.codec == Codec::kBits ? plane
                                                    : 0);
  EXPECT_GE(l.vector_offset, sizeof(NodeHead) + l.slots * slot_bytes);
  EXPECT_EQ(l.vector_offset % 8, 0u);
  EXPECT_EQ(l.node_bytes % 8, 0u);
  EXPECT_LE(l.OffsetOf(l.nodes_per_page) + kNodePageHole, kPageSpecialOffset);
  EXPECT_GE(l.slots, kMinSlots);
  EXPECT_LE(l.slots, kMaxSlots);
  if (l.vector_at_home) {
    EXPECT_EQ(l.codes_at_home, l.slots);
    EXPECT_EQ(l.CodeChunks(), 0u);
    EXPECT_GE(l.node_bytes, l.vector_offset + l.vector_bytes);
    // Kernels may read 64 bytes past the last code, which are read in place.
    const size_t last = l.OffsetOf(l.nodes_per_page - 1);
    EXPECT_TRUE(l.code_bytes == 0 ||
                last + l.code_offset + l.slots * l.code_bytes + 64 <= kPageBytes);
  } else {
    EXPECT_GE(l.node_bytes, l.code_offset + l.codes_at_home * l.code_bytes);
    EXPECT_LE(l.codes_at_home, l.slots);
    if (l.codes_at_home < l.slots) {
      EXPECT_GE(l.codes_per_chunk, 1u);
      EXPECT_LE(l.codes_per_chunk * l.code_bytes, kChunkBytes);
      EXPECT_GE(l.codes_at_home + l.CodeChunks() * l.codes_per_chunk, l.slots);
      EXPECT_LT(l.codes_at_home + (l.CodeChunks() - 1) * l.codes_per_chunk, l.slots);
    }
  }
  if (!HasList(l)) return;
  const size_t entries = ListEntriesPerPage(l);
  EXPECT_LE(entries * ListEntryBytes(l) + (entries + 7) / 8 + 8, kPageDataBytes);
}

// What the meta page stores gives the same layout again.
void ExpectAgain(const NodeLayout& l) {
  NodeLayout again;
  ASSERT_TRUE(MakeLayout({l.dim, l.form, l.codec, l.bits, l.slots, l.nodes_per_page, l.float32,
                          l.form == QUIVER_FORM_SPARSE ? l.vector_bytes : 0},
                         &again));
  EXPECT_EQ(memcmp(&again, &l, sizeof l), 0);
}

TEST(Layout, EveryDimensionIsSound) {
  for (const QuiverMetric metric : {QUIVER_METRIC_L2, QUIVER_METRIC_L1}) {
    for (const QuiverStorage storage : kStorages) {
      for (const int m : {2, 5, 16, 40, 100}) {
        for (uint32_t dim = 1; dim <= QUIVER_MAX_DIM;
             dim = dim == QUIVER_MAX_DIM ? dim + 1
                                         : std::min<uint32_t>(NextDim(dim), QUIVER_MAX_DIM)) {
          NodeLayout layout;
          ASSERT_TRUE(ChooseLayout(Params(dim, m, storage, metric), 0, &layout))
              << dim << " dimensions, m " << m << ", storage " << storage;
          ExpectSound(layout);
          EXPECT_LE(layout.slots, std::max<uint32_t>(kMinSlots, 2 * static_cast<uint32_t>(m)));
          EXPECT_EQ(layout.codec, metric == QUIVER_METRIC_L1 ? Codec::kNone : Codec::kEdge);
          ExpectAgain(layout);
          if (HasFailure())
            FAIL() << dim << " dimensions, m " << m << ", storage " << storage << ", metric "
                   << metric;
        }
      }
    }
  }
}

TEST(Layout, EveryLengthOfBitsIsSound) {
  for (const QuiverMetric metric : {QUIVER_METRIC_HAMMING, QUIVER_METRIC_JACCARD}) {
    for (const int m : {2, 5, 16, 40, 100}) {
      for (uint32_t dim = 1; dim <= QUIVER_MAX_BITS;
           dim = dim == QUIVER_MAX_BITS ? dim + 1
                                        : std::min<uint32_t>(NextDim(dim), QUIVER_MAX_BITS)) {
        NodeLayout layout;
        ASSERT_TRUE(ChooseLayout(Params(dim, m, QUIVER_STORAGE_AUTO, metric), 0, &layout)) << dim;
        ExpectSound(layout);
        EXPECT_EQ(layout.codec, dim <= kMostCodedBits ? Codec::kBits : Codec::kNone) << dim;
        ExpectAgain(layout);
        if (HasFailure()) FAIL() << dim << " bits, m " << m;
      }
    }
  }
}

TEST(Layout, EverySparseRoomIsSound) {
  for (const uint32_t dim : {1u, 30000u, uint32_t{QUIVER_MAX_SPARSE_DIM}}) {
    for (const int m : {2, 5, 16, 40, 100}) {
      for (uint32_t entries = 0; entries <= QUIVER_MAX_SPARSE_ENTRIES;
           entries += entries < 1100 ? 1 : 1490) {
        NodeLayout layout;
        ASSERT_TRUE(ChooseLayout(SparseParams(dim, m), entries * 8, &layout)) << entries;
        ExpectSound(layout);
        EXPECT_FALSE(HasList(layout));
        ExpectAgain(layout);
        // The room asked for is there, as far as a page has it.
        EXPECT_GE(layout.vector_bytes,
                  std::min<uint32_t>(entries * 8, kNodePageBytes - layout.vector_offset));
        if (HasFailure()) FAIL() << entries << " entries, m " << m;
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
    ASSERT_TRUE(ChooseLayout(Params(row.dim), 0, &layout)) << row.dim;
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
    return ChooseLayout(Params(dim), 0, &layout) ? 8192.0 / layout.nodes_per_page * 33 / 32 : 1e9;
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
    ASSERT_TRUE(ChooseLayout(Params(dim), 0, &automatic));
    ASSERT_TRUE(ChooseLayout(Params(dim, 16, QUIVER_STORAGE_FLOAT16), 0, &half));
    EXPECT_FALSE(half.float32);
    EXPECT_EQ(automatic.nodes_per_page, half.nodes_per_page) << dim;
    EXPECT_EQ(automatic.slots, half.slots) << dim;
  }
}

TEST(Layout, RefusesWhatTheFormCannotHave) {
  NodeLayout layout;
  EXPECT_FALSE(ChooseLayout(Params(0), 0, &layout));
  EXPECT_FALSE(ChooseLayout(Params(QUIVER_MAX_DIM + 1), 0, &layout));
  EXPECT_FALSE(ChooseLayout(
      Params(QUIVER_MAX_BITS + 1, 16, QUIVER_STORAGE_AUTO, QUIVER_METRIC_JACCARD), 0, &layout));
  EXPECT_FALSE(ChooseLayout(SparseParams(QUIVER_MAX_SPARSE_DIM + 1), 0, &layout));
  for (const auto& [form, metric] : {std::pair{QUIVER_FORM_DENSE, QUIVER_METRIC_HAMMING},
                                     {QUIVER_FORM_SPARSE, QUIVER_METRIC_JACCARD},
                                     {QUIVER_FORM_BITS, QUIVER_METRIC_L2},
                                     {QUIVER_FORM_BITS, QUIVER_METRIC_L1}}) {
    QuiverIndexParams params = Params(100);
    params.form = form;
    params.metric = metric;
    EXPECT_FALSE(ChooseLayout(params, 0, &layout)) << form << ", " << metric;
  }
}

TEST(Layout, RefusesWhatMakesNoPage) {
  NodeLayout layout;
  const auto refuses = [&](uint32_t dim, uint32_t bits, uint32_t slots, uint32_t nodes,
                           bool float32) {
    return !MakeLayout({dim, QUIVER_FORM_DENSE, Codec::kEdge, bits, slots, nodes, float32, 0},
                       &layout);
  };
  EXPECT_FALSE(refuses(100, 2, 20, 4, false));
  EXPECT_TRUE(refuses(100, 3, 20, 4, false));
  EXPECT_TRUE(refuses(100, 0, 20, 4, false));
  EXPECT_TRUE(refuses(100, 8, 20, 4, false));
  EXPECT_TRUE(refuses(100, 2, kMinSlots - 1, 4, false));
  EXPECT_TRUE(refuses(100, 2, kMaxSlots + 1, 1, false));
  EXPECT_TRUE(refuses(100, 2, 20, 0, false));
  EXPECT_TRUE(refuses(100, 2, 20, 0xFFFF, false));
  EXPECT_TRUE(refuses(0xFFFFFFFF, 1, 20, 1, true));
  // Head and slots are at home always.
  EXPECT_TRUE(refuses(5000, 1, 200, 4, true));
  EXPECT_FALSE(refuses(5000, 1, 200, 1, true));
  const auto refuses_sparse = [&](uint32_t slots, uint32_t nodes, uint32_t bytes) {
    return !MakeLayout({100, QUIVER_FORM_SPARSE, Codec::kNone, 0, slots, nodes, true, bytes},
                       &layout);
  };
  EXPECT_FALSE(refuses_sparse(20, 4, 1000));
  EXPECT_TRUE(refuses_sparse(20, 4, 1004));
  EXPECT_TRUE(refuses_sparse(20, 4, 2000));
  EXPECT_TRUE(refuses_sparse(20, 1, 65528));
}

TEST(Layout, NumbersNameBlockAndSlot) {
  NodeLayout layout;
  ASSERT_TRUE(ChooseLayout(Params(100), 0, &layout));
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
