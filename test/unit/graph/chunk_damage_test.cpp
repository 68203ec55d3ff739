// Chunk pages that are not what they must be: an error that names the block, in
// every kind of use that needs the part; and never other bytes than the node's.
#include "base/random.h"
#include "fakes/damaged_index.h"
#include "graph/index_testing.h"
#include "page/chunk.h"

namespace quiver::fakes {
namespace {

class ChunkDamage : public ::testing::TestWithParam<QuiverIndexParams> {
 protected:
  ChunkDamage() : index_(GetParam()) {
    rows_ = GetParam().form == QUIVER_FORM_SPARSE
                ? SparseVectors(701, 60, GetParam().dim, {1500, 3000}, 0)
                : RandomValues(GetParam(), 701, 60);
    index_.InsertAll(rows_);
    EXPECT_EQ(index_.partition().state, PartitionState::kGraph);
  }

  // A chunk page of a bottom node: the first of a chain that has another, or the last.
  uint32_t ChunkOf(bool last) {
    for (const uint32_t block : index_.PagesOf(PageKind::kNode)) {
      const std::vector<uint8_t> page = index_.file()->Copy(block);
      uint32_t chunk = ConstNode(page.data(), index_.layout(), 0).head().chunk_head;
      if (chunk == QUIVER_INVALID_BLOCK) continue;
      for (;;) {
        const std::vector<uint8_t> copy = index_.file()->Copy(chunk);
        const uint32_t next = Special(copy.data())->next;
        if (last && next == QUIVER_INVALID_BLOCK) return chunk;
        if (!last && next != QUIVER_INVALID_BLOCK) return chunk;
        if (next == QUIVER_INVALID_BLOCK) break;
        chunk = next;
      }
    }
    return QUIVER_INVALID_BLOCK;
  }

  // Every row by distance fails with the code; and nothing worse happens elsewhere.
  void ExpectCorrupted(const MemoryFile& file, const std::string& what) {
    MemoryIndex damaged(file, GetParam());
    std::optional<QuiverError> error;
    damaged.Search(rows_[0], OptionsOf(10), SIZE_MAX, &error);
    ASSERT_TRUE(error.has_value()) << what;
    EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED) << what << ": " << Describe(error);
    EXPECT_EQ(UseDamaged(file, GetParam(), 1), "") << what;
  }
  template <class T>
  void ExpectCorruptedBy(uint32_t block, size_t offset, T value, const std::string& what) {
    MemoryFile file(*index_.file());
    file.Overwrite(block, offset, &value, sizeof value);
    ExpectCorrupted(file, what);
  }

  MemoryIndex index_;
  std::vector<Value> rows_;
};

TEST_P(ChunkDamage, HeadOfAPart) {
  const uint32_t block = ChunkOf(true);
  ASSERT_NE(block, QUIVER_INVALID_BLOCK);
  const std::vector<uint8_t> page = index_.file()->Copy(block);
  const ChunkHead head = *Chunk(page.data());
  ExpectCorruptedBy(block, kPageHeaderBytes + offsetof(ChunkHead, number), head.number + 1,
                    "another owner");
  ExpectCorruptedBy(block, kPageHeaderBytes + offsetof(ChunkHead, generation), head.generation + 1,
                    "another generation");
  // Only the lower half of a generation is in pointers.
  ExpectCorruptedBy(block, kPageHeaderBytes + offsetof(ChunkHead, generation),
                    head.generation + 0x10000, "another generation, far");
  ExpectCorruptedBy<uint16_t>(block, kPageHeaderBytes + offsetof(ChunkHead, part),
                              static_cast<uint16_t>(head.part + 1), "another part");
}

TEST_P(ChunkDamage, LengthOfAPart) {
  const uint32_t block = ChunkOf(true);
  const uint16_t lower = PageAt<PageHeader>(index_.file()->Copy(block).data(), 0)->lower;
  for (const int by : {-8, -1, 1, 8})
    ExpectCorruptedBy<uint16_t>(block, offsetof(PageHeader, lower),
                                static_cast<uint16_t>(lower + by), "length");
  for (const uint16_t value :
       {uint16_t{0}, uint16_t{24}, uint16_t{40}, uint16_t{8176}, uint16_t{65535}}) {
    if (value != lower)
      ExpectCorruptedBy<uint16_t>(block, offsetof(PageHeader, lower), value, "pd_lower");
  }
}

TEST_P(ChunkDamage, KindAndMagic) {
  const uint32_t block = ChunkOf(true);
  for (const PageKind kind : {PageKind::kNode, PageKind::kPosting, PageKind::kFree})
    ExpectCorruptedBy<uint8_t>(block, kPageSpecialOffset + offsetof(PageSpecial, kind),
                               static_cast<uint8_t>(kind), "kind");
  ExpectCorruptedBy<uint16_t>(block, kPageSpecialOffset + offsetof(PageSpecial, magic), 0, "magic");
  MemoryFile file(*index_.file());
  file.Overwrite(block, 0, std::vector<uint8_t>(kPageBytes).data(), kPageBytes);
  ExpectCorrupted(file, "zeros");
}

TEST_P(ChunkDamage, Chains) {
  const uint32_t block = ChunkOf(false);
  if (block != QUIVER_INVALID_BLOCK) {
    for (const uint32_t next : {block, 0u, 1u, QUIVER_INVALID_BLOCK, index_.file()->block_count()})
      ExpectCorruptedBy(block, kPageSpecialOffset + offsetof(PageSpecial, next), next,
                        "next " + std::to_string(next));
  }
  for (const uint32_t node : index_.PagesOf(PageKind::kNode)) {
    const size_t head = index_.layout().OffsetOf(0) + offsetof(NodeHead, chunk_head);
    for (const uint32_t chunk : {0u, node, QUIVER_INVALID_BLOCK, 0x7FFFFFFFu, ChunkOf(true)}) {
      const std::vector<uint8_t> page = index_.file()->Copy(node);
      const ConstNode first(page.data(), index_.layout(), 0);
      if (!first.in_use() || !first.has_chunks() || first.head().chunk_head == chunk) continue;
      ExpectCorruptedBy(node, head, chunk, "chunk_head " + std::to_string(chunk));
    }
    break;
  }
}

// A part of another node in the place of a node's own.
TEST_P(ChunkDamage, PagesInOthersPlaces) {
  const std::vector<uint32_t> chunks = index_.PagesOf(PageKind::kChunk);
  SplitMix64 random(702);
  for (int i = 0; i < 6; i++) {
    const uint32_t to = ChunkOf(i % 2 == 0);
    const uint32_t from = chunks[random.Next() % chunks.size()];
    if (to == QUIVER_INVALID_BLOCK || from == to) continue;
    MemoryFile file(*index_.file());
    file.Overwrite(to, 0, file.Copy(from).data(), kPageBytes);
    ExpectCorrupted(file, std::to_string(from) + " in the place of " + std::to_string(to));
  }
}

// Vacuum has nothing to do with chunks, and passes over what is wrong within them.
TEST_P(ChunkDamage, VacuumPasses) {
  MemoryIndex damaged(*index_.file(), GetParam());
  const uint32_t number = 12345678;
  damaged.file()->Overwrite(ChunkOf(true), kPageHeaderBytes + offsetof(ChunkHead, number), &number,
                            sizeof number);
  EXPECT_EQ(Describe(damaged.Delete([](uint32_t row) { return row % 2 == 0; })), "");
  ExpectRowsOnce(
      damaged.Everything(),
      [] {
        std::vector<uint32_t> odd;
        for (uint32_t row = 1; row < 60; row += 2) odd.push_back(row);
        return odd;
      }(),
      "after vacuum");
}

INSTANTIATE_TEST_SUITE_P(Forms, ChunkDamage,
                         ::testing::Values(ParamsOf(9000, QUIVER_METRIC_L2, 8),
                                           ParamsOf(5000, QUIVER_METRIC_COSINE, 100,
                                                    QUIVER_STORAGE_FLOAT32),
                                           ParamsOf(16000, QUIVER_METRIC_L1, 4),
                                           SparseParamsOf(9000, QUIVER_METRIC_L2, 8)),
                         TestNameOf);

// The number of a sparse node's entries says how long its vector is.
TEST(SparseDamage, EntriesOutOfRange) {
  const QuiverIndexParams params = SparseParamsOf(5000, QUIVER_METRIC_L2, 8);
  const std::vector<Value> rows = SparseVectors(703, 80, 5000, {5, 30, 2000}, 100);
  MemoryIndex index(params);
  index.InsertAll(rows);
  for (const uint32_t block : index.PagesOf(PageKind::kNode)) {
    for (uint32_t slot = 0; slot < index.layout().nodes_per_page; slot++) {
      const std::vector<uint8_t> page = index.file()->Copy(block);
      const ConstNode node(page.data(), index.layout(), slot);
      if (!node.in_use()) continue;
      const uint16_t own = node.head().entries;
      for (const uint16_t entries : {uint16_t{0}, static_cast<uint16_t>(own + 1),
                                     static_cast<uint16_t>(index.layout().vector_bytes / 8),
                                     static_cast<uint16_t>(index.layout().vector_bytes / 8 + 1),
                                     uint16_t{1015}, uint16_t{16001}, uint16_t{65535}}) {
        if (entries == own) continue;
        MemoryFile file(*index.file());
        file.Overwrite(block, index.layout().OffsetOf(slot) + offsetof(NodeHead, entries), &entries,
                       2);
        ASSERT_EQ(UseDamaged(file, params, 1), "") << entries;
        // A vector that was at home has no chunks to be found, and the other way round.
        const bool at_home = entries * 8u <= index.layout().vector_bytes;
        if (at_home) continue;
        MemoryIndex damaged(file, params);
        std::optional<QuiverError> error;
        damaged.Search(rows[0], OptionsOf(10), SIZE_MAX, &error);
        ASSERT_TRUE(error.has_value()) << own << " entries made " << entries;
        EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED);
      }
    }
    if (block > index.PagesOf(PageKind::kNode)[2]) break;
  }
}

// Dimensions that do not ascend, or are none: some distances, no more.
TEST(SparseDamage, DimensionsOutOfOrder) {
  const QuiverIndexParams params = SparseParamsOf(5000, QUIVER_METRIC_COSINE, 8);
  MemoryIndex index(params);
  index.InsertAll(SparseVectors(704, 80, 5000, {5, 30, 60}, 100));
  SplitMix64 random(705);
  for (int round = 0; round < 20; round++) {
    MemoryFile file(*index.file());
    for (const uint32_t block : index.PagesOf(PageKind::kNode)) {
      for (uint32_t slot = 0; slot < index.layout().nodes_per_page; slot++) {
        const uint32_t wrong[2] = {static_cast<uint32_t>(random.Next()),
                                   random.Next() % 2 == 0 ? 0xFFFFFFFFu : 7u};
        file.Overwrite(
            block,
            index.layout().OffsetOf(slot) + index.layout().vector_offset + random.Next() % 40 * 4,
            wrong, sizeof wrong);
      }
    }
    ASSERT_EQ(UseDamaged(file, params, static_cast<uint64_t>(round)), "") << "round " << round;
  }
}

}  // namespace
}  // namespace quiver::fakes
