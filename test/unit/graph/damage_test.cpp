// Damaged pages: rows or an error, never a crash, a hang or an access out of
// bounds (run under ASan and UBSan too).  test/fuzz goes on where this ends.
#include "fakes/damaged_index.h"

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "graph/index_testing.h"
#include "graph/room.h"

namespace quiver::fakes {
namespace {

class Damage : public ::testing::TestWithParam<QuiverIndexParams> {
 protected:
  Damage() : index_(SoundIndex(GetParam())), layout_(index_.layout()) {}

  // Made once.
  static const MemoryIndex& SoundIndex(const QuiverIndexParams& params) {
    static std::map<std::string, std::unique_ptr<MemoryIndex>> made;
    std::unique_ptr<MemoryIndex>& index = made[NameOf(params)];
    if (index == nullptr) index = std::make_unique<MemoryIndex>(IndexOfAllPageKinds(params));
    return *index;
  }
  std::vector<uint32_t> PagesOf(PageKind kind) { return index_.PagesOf(kind); }
  Value AnyQuery(uint64_t seed = 1) { return RandomValues(GetParam(), seed, 1)[0]; }
  bool has_list() const { return index_.partition().state == PartitionState::kDraining; }

  // Random bytes at random places of [first, end) of a page.
  static void Scribble(MemoryFile* file, uint32_t block, size_t first, size_t end,
                       SplitMix64* random) {
    const size_t places = 1 + random->Next() % 4;
    for (size_t i = 0; i < places; i++) {
      const size_t at = first + random->Next() % (end - first);
      const size_t count = std::min<size_t>(end - at, 1 + random->Next() % 8);
      uint64_t value = random->Next();
      // Extreme values are likelier to hurt than random ones.
      if (random->Next() % 4 == 0) value = 0;
      if (random->Next() % 4 == 0) value = UINT64_MAX;
      file->Overwrite(block, at, &value, count);
    }
  }

  void Try(uint64_t seed, size_t first, size_t end) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    const uint64_t blocks = 1 + random.Next() % 3;
    for (uint64_t i = 0; i < blocks; i++)
      Scribble(&file, static_cast<uint32_t>(random.Next() % file.block_count()), first, end,
               &random);
    ASSERT_EQ(UseDamaged(file, index_.params(), seed), "") << "seed " << seed;
  }

  MemoryIndex index_;
  NodeLayout layout_;
};

TEST_P(Damage, TheIndexHasEveryKindOfPage) {
  for (const PageKind kind :
       {PageKind::kMeta, PageKind::kNode, PageKind::kUpper, PageKind::kPosting, PageKind::kLoose})
    EXPECT_FALSE(PagesOf(kind).empty()) << static_cast<int>(kind);
  EXPECT_EQ(PagesOf(PageKind::kList).empty(), !has_list());
  EXPECT_EQ(PagesOf(PageKind::kChunk).empty(),
            layout_.vector_at_home && layout_.form != QUIVER_FORM_SPARSE);
  EXPECT_EQ(UseDamaged(*index_.file(), index_.params(), 1), "");
}

TEST_P(Damage, AnywhereOnAnyPage) {
  for (uint64_t seed = 1; seed <= 50; seed++) Try(seed, 0, kPageBytes);
}

TEST_P(Damage, PageHeaders) {
  for (uint64_t seed = 1001; seed <= 1030; seed++) Try(seed, 0, kPageHeaderBytes);
}

TEST_P(Damage, SpecialSpaces) {
  for (uint64_t seed = 2001; seed <= 2030; seed++) Try(seed, kPageSpecialOffset, kPageBytes);
}

// Where a node's head and a chain's first entries are, and all of the meta page.
TEST_P(Damage, HeadsAndMeta) {
  for (uint64_t seed = 3001; seed <= 3050; seed++) Try(seed, kPageHeaderBytes, 200);
}

TEST_P(Damage, MetaPageAlone) {
  for (uint64_t seed = 4001; seed <= 4100; seed++) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    Scribble(&file, kMetaBlock, kPageHeaderBytes, kPageHeaderBytes + sizeof(MetaData), &random);
    ASSERT_EQ(UseDamaged(file, index_.params(), seed), "") << "seed " << seed;
  }
}

// Pages changed for one another: sound each, but not where they belong.
TEST_P(Damage, PagesInOthersPlaces) {
  for (uint64_t seed = 5001; seed <= 5040; seed++) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    const auto from = static_cast<uint32_t>(random.Next() % file.block_count());
    const auto to = static_cast<uint32_t>(1 + random.Next() % (file.block_count() - 1));
    file.Overwrite(to, 0, file.Copy(from).data(), kPageBytes);
    ASSERT_EQ(UseDamaged(file, index_.params(), seed), "") << "seed " << seed;
  }
}

// Chains that run in circles end in an error.
TEST_P(Damage, Circles) {
  for (const PageKind kind : {PageKind::kList, PageKind::kPosting, PageKind::kLoose}) {
    const std::vector<uint32_t> blocks = PagesOf(kind);
    for (const uint32_t block : blocks) {
      MemoryFile file(*index_.file());
      file.Overwrite(block, kPageSpecialOffset + offsetof(PageSpecial, next), &block, sizeof block);
      ASSERT_EQ(UseDamaged(file, index_.params(), block), "") << "block " << block;
      MemoryIndex damaged(file, index_.params());
      std::optional<QuiverError> error;
      damaged.Search(AnyQuery(), OptionsOf(10), SIZE_MAX, &error);
      EXPECT_TRUE(error.has_value()) << "block " << block;
      if (error.has_value()) {
        EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED) << "block " << block;
      }
    }
  }
}

// The meta page names a page with room that is not in the chain: repair makes no circle.
TEST_P(Damage, RoomOutsideItsChain) {
  size_t tried = 0;
  for (const PageKind kind : {PageKind::kNode, PageKind::kUpper}) {
    for (const uint32_t block : PagesOf(kind)) {
      MemoryFile file(*index_.file());
      if (FreeSlot(file.Copy(block).data(), layout_, kind) < 0) continue;
      const uint32_t pending = 1;
      const size_t partition = kPageHeaderBytes + offsetof(MetaData, partition);
      file.Overwrite(kMetaBlock,
                     partition + (kind == PageKind::kNode ? offsetof(Partition, node_room)
                                                          : offsetof(Partition, upper_room)),
                     &block, sizeof block);
      file.Overwrite(kMetaBlock, kPageHeaderBytes + offsetof(MetaData, repair_pending), &pending,
                     sizeof pending);
      MemoryIndex damaged(file, index_.params());
      EXPECT_FALSE(damaged.Cleanup().has_value());
      const std::vector<uint8_t> page = damaged.file()->Copy(block);
      EXPECT_EQ(Special(page.data())->flags, kInRoomChain);
      EXPECT_EQ(Special(page.data())->next, QUIVER_INVALID_BLOCK);
      tried++;
    }
  }
  EXPECT_EQ(tried > 0, layout_.nodes_per_page > 1);
}

// Links alone: fewer routes, the same rows.
TEST_P(Damage, LinksLoseNoRows) {
  const size_t rows = index_.Everything().size();
  for (uint64_t seed = 6001; seed <= 6010; seed++) {
    SplitMix64 random(seed);
    MemoryFile file(*index_.file());
    for (const PageKind kind : {PageKind::kNode, PageKind::kUpper}) {
      for (const uint32_t block : PagesOf(kind)) {
        for (uint32_t slot = 0; slot < layout_.nodes_per_page; slot++) {
          const size_t node = layout_.OffsetOf(slot);
          Scribble(&file, block, node + layout_.number_offset,
                   node + layout_.code_offset + layout_.codes_at_home * layout_.code_bytes,
                   &random);
        }
      }
    }
    MemoryIndex damaged(file, index_.params());
    const std::vector<Hit> hits = damaged.Search(AnyQuery(seed), OptionsOf(10));
    ExpectRowsOnce(hits, RowsUpTo(static_cast<uint32_t>(rows)), "seed " + std::to_string(seed));
  }
}

// A page that lost its header is an error, not a page without rows.
TEST_P(Damage, LostPagesAreReported) {
  for (const PageKind kind :
       {PageKind::kNode, PageKind::kList, PageKind::kPosting, PageKind::kLoose}) {
    if (PagesOf(kind).empty()) continue;
    const uint32_t block = PagesOf(kind)[0];
    MemoryFile file(*index_.file());
    const uint16_t magic = 0;
    file.Overwrite(block, kPageSpecialOffset + offsetof(PageSpecial, magic), &magic, sizeof magic);
    MemoryIndex damaged(file, index_.params());
    for (const bool ordered : {true, false}) {
      std::optional<QuiverError> error;
      if (ordered)
        damaged.Search(AnyQuery(), OptionsOf(10), SIZE_MAX, &error);
      else
        damaged.Everything(&error);
      ASSERT_TRUE(error.has_value()) << static_cast<int>(kind) << (ordered ? ", ordered" : "");
      EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED);
      EXPECT_EQ(error->block, block);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, Damage,
                         ::testing::Values(ParamsOf(60, QUIVER_METRIC_L2),
                                           ParamsOf(60, QUIVER_METRIC_COSINE),
                                           ParamsOf(5000, QUIVER_METRIC_L2, 8),
                                           ParamsOf(3000, QUIVER_METRIC_L1, 4),
                                           ParamsOf(700, QUIVER_METRIC_HAMMING, 8),
                                           ParamsOf(20000, QUIVER_METRIC_JACCARD, 4),
                                           SparseParamsOf(5000, QUIVER_METRIC_COSINE, 8)),
                         TestNameOf);

}  // namespace
}  // namespace quiver::fakes
