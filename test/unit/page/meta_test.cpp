// The meta page: each damaged or unknown field is refused by the right error.
#include "page/meta.h"

#include <gtest/gtest.h>

#include "fakes/memory_index.h"

namespace quiver::fakes {
namespace {

class Meta : public ::testing::Test {
 protected:
  Meta() : index_(ParamsOf(100), GaussianVectors(1, 50, 100)) {}

  // Sets a field of the meta page and opens the index.
  template <class T>
  std::optional<QuiverError> OpenWith(size_t offset, T value) {
    MemoryIndex index(index_);
    index.file()->Overwrite(kMetaBlock, kPageHeaderBytes + offset, &value, sizeof value);
    return index.Open();
  }
  template <class T>
  void ExpectCode(size_t offset, T value, QuiverErrorCode code, const char* what) {
    const std::optional<QuiverError> error = OpenWith(offset, value);
    ASSERT_TRUE(error.has_value()) << what;
    EXPECT_EQ(error->code, code) << what << ": " << Describe(error);
    EXPECT_EQ(error->block, kMetaBlock) << what;
  }

  MemoryIndex index_;
};

TEST_F(Meta, SoundPageOpens) {
  EXPECT_EQ(index_.Open(), std::nullopt);
  EXPECT_EQ(quiver_index_dim(index_.index()), 100u);
  EXPECT_EQ(quiver_index_metric(index_.index()), QUIVER_METRIC_L2);
}

TEST_F(Meta, UnknownFormatsAreRefusedAsSuch) {
  ExpectCode<uint32_t>(offsetof(MetaData, format_version), 1, QUIVER_ERROR_FORMAT, "version");
  ExpectCode<uint32_t>(offsetof(MetaData, incompatible), 4, QUIVER_ERROR_FORMAT, "flags");
  ExpectCode<uint8_t>(offsetof(MetaData, rotation_algorithm), 9, QUIVER_ERROR_FORMAT, "rotation");
  const std::optional<QuiverError> error = OpenWith<uint32_t>(offsetof(MetaData, incompatible), 12);
  EXPECT_EQ(error->value, 12u);
}

TEST_F(Meta, DamagedFieldsAreCorruption) {
  ExpectCode<uint32_t>(offsetof(MetaData, magic), 1, QUIVER_ERROR_CORRUPTED, "magic");
  ExpectCode<uint32_t>(offsetof(MetaData, dim), 0, QUIVER_ERROR_CORRUPTED, "dim 0");
  ExpectCode<uint32_t>(offsetof(MetaData, dim), 16001, QUIVER_ERROR_CORRUPTED, "dim");
  ExpectCode<uint8_t>(offsetof(MetaData, metric), 0, QUIVER_ERROR_CORRUPTED, "metric 0");
  ExpectCode<uint8_t>(offsetof(MetaData, metric), 4, QUIVER_ERROR_CORRUPTED, "L1 has no codes");
  ExpectCode<uint8_t>(offsetof(MetaData, metric), 5, QUIVER_ERROR_CORRUPTED, "Hamming of floats");
  ExpectCode<uint8_t>(offsetof(MetaData, metric), 7, QUIVER_ERROR_CORRUPTED, "metric 7");
  ExpectCode<uint8_t>(offsetof(MetaData, form), 1, QUIVER_ERROR_CORRUPTED, "bits with L2");
  ExpectCode<uint8_t>(offsetof(MetaData, form), 2, QUIVER_ERROR_CORRUPTED, "sparse with codes");
  ExpectCode<uint8_t>(offsetof(MetaData, form), 3, QUIVER_ERROR_CORRUPTED, "form");
  ExpectCode<uint8_t>(offsetof(MetaData, codec), 0, QUIVER_ERROR_CORRUPTED, "L2 without codes");
  ExpectCode<uint8_t>(offsetof(MetaData, codec), 2, QUIVER_ERROR_CORRUPTED, "codes of bits");
  ExpectCode<uint8_t>(offsetof(MetaData, codec), 3, QUIVER_ERROR_CORRUPTED, "codec");
  ExpectCode<uint16_t>(offsetof(MetaData, sparse_bytes), 8, QUIVER_ERROR_CORRUPTED, "sparse room");
  ExpectCode<uint8_t>(offsetof(MetaData, float32), 2, QUIVER_ERROR_CORRUPTED, "storage");
  ExpectCode<uint8_t>(offsetof(MetaData, bits), 3, QUIVER_ERROR_CORRUPTED, "bits");
  ExpectCode<uint16_t>(offsetof(MetaData, slots), 0, QUIVER_ERROR_CORRUPTED, "slots 0");
  ExpectCode<uint16_t>(offsetof(MetaData, slots), 201, QUIVER_ERROR_CORRUPTED, "slots 201");
  ExpectCode<uint16_t>(offsetof(MetaData, nodes_per_page), 0, QUIVER_ERROR_CORRUPTED, "nodes 0");
  ExpectCode<uint16_t>(offsetof(MetaData, nodes_per_page), 65535, QUIVER_ERROR_CORRUPTED, "nodes");
  ExpectCode<uint32_t>(offsetof(MetaData, posting_bytes), 12, QUIVER_ERROR_CORRUPTED, "posting");
  ExpectCode<uint32_t>(offsetof(MetaData, list_limit), 0, QUIVER_ERROR_CORRUPTED, "limit 0");
  ExpectCode<uint32_t>(offsetof(MetaData, list_limit), 0xFFFFFFFF, QUIVER_ERROR_CORRUPTED, "limit");
}

TEST_F(Meta, DamagedPartitionIsCorruption) {
  const size_t at = offsetof(MetaData, partition);
  ExpectCode<uint8_t>(at + offsetof(Partition, state), 3, QUIVER_ERROR_CORRUPTED, "state");
  for (const size_t field : {offsetof(Partition, list_head), offsetof(Partition, list_tail),
                             offsetof(Partition, loose_head), offsetof(Partition, loose_tail),
                             offsetof(Partition, upper_room), offsetof(Partition, node_room)})
    ExpectCode<uint32_t>(at + field, kMetaBlock, QUIVER_ERROR_CORRUPTED, "points to itself");
  // The list has rows, rows without a distance there are none.
  ExpectCode<uint32_t>(at + offsetof(Partition, list_tail), QUIVER_INVALID_BLOCK,
                       QUIVER_ERROR_CORRUPTED, "one end");
  ExpectCode<uint32_t>(at + offsetof(Partition, loose_head), 1, QUIVER_ERROR_CORRUPTED, "one end");
}

TEST(MetaWithoutCodes, TheCodecIsChecked) {
  for (const uint8_t codec : {1, 2, 3, 200}) {
    MemoryIndex index(ParamsOf(100, QUIVER_METRIC_L1));
    index.file()->Overwrite(kMetaBlock, kPageHeaderBytes + offsetof(MetaData, codec), &codec, 1);
    const std::optional<QuiverError> error = index.Open();
    ASSERT_TRUE(error.has_value()) << int{codec};
    EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED) << int{codec};
  }
}

// Where no list page has room for a vector, a list would be written past pages' ends.
TEST(MetaWithoutList, AListIsCorruption) {
  for (const QuiverIndexParams& params :
       {ParamsOf(5000), ParamsOf(5000, QUIVER_METRIC_L1), SparseParamsOf(100)}) {
    MemoryIndex index(params);
    ASSERT_EQ(index.partition().state, PartitionState::kGraph);
    for (const PartitionState state : {PartitionState::kList, PartitionState::kDraining}) {
      index.file()->Overwrite(
          kMetaBlock, kPageHeaderBytes + offsetof(MetaData, partition) + offsetof(Partition, state),
          &state, 1);
      const std::optional<QuiverError> error = index.Open();
      ASSERT_TRUE(error.has_value()) << params.dim;
      EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED) << params.dim;
    }
  }
}

TEST_F(Meta, EntryLevelIsChecked) {
  MemoryIndex index(index_);
  Partition partition = index.partition();
  partition.entry_number = 10;
  partition.entry_level = kMaxLevel + 1;
  index.file()->Overwrite(kMetaBlock, kPageHeaderBytes + offsetof(MetaData, partition), &partition,
                          sizeof partition);
  const std::optional<QuiverError> error = index.Open();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED);
}

TEST_F(Meta, CenterMustBeThere) {
  for (const uint32_t block : {0u, 2u, 1000u, 0xFFFFFFFEu}) {
    const std::optional<QuiverError> error =
        OpenWith<uint32_t>(offsetof(MetaData, center_block), block);
    ASSERT_TRUE(error.has_value()) << block;
    EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED) << block;
  }
}

TEST_F(Meta, AnotherKindOfPageIsCorruption) {
  MemoryIndex index(index_);
  index.file()->Overwrite(kMetaBlock, 0, index.file()->Copy(1).data(), kPageBytes);
  const std::optional<QuiverError> error = index.Open();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED);
}

TEST_F(Meta, EmptyFileIsCorruption) {
  MemoryFile none;
  MemoryStore store(&none);
  const std::optional<QuiverError> error = store.Run([&] { quiver_index_open(store.callbacks()); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, QUIVER_ERROR_CORRUPTED);
}

// Features that we may read but not write: searches go on, writes are refused.
TEST_F(Meta, UnknownReadCompatibleFlagsRefuseWrites) {
  MemoryIndex index(index_);
  const uint32_t flags = 8;
  index.file()->Overwrite(kMetaBlock, kPageHeaderBytes + offsetof(MetaData, read_compatible),
                          &flags, sizeof flags);
  ASSERT_EQ(index.Open(), std::nullopt);
  EXPECT_EQ(index.Search(Vector(100, 1.0f), OptionsOf()).size(), 50u);
  for (const std::optional<QuiverError>& error :
       {index.Insert(50, Vector(100, 1.0f)), index.Delete([](uint32_t) { return true; })}) {
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, QUIVER_ERROR_FORMAT);
    EXPECT_EQ(error->value, flags);
  }
}

TEST_F(Meta, UnknownCompatibleFlagsAreIgnored) {
  EXPECT_EQ(OpenWith<uint32_t>(offsetof(MetaData, compatible), 0xFFFFFFFF), std::nullopt);
  EXPECT_EQ(OpenWith<uint32_t>(offsetof(MetaData, creator_version), 0x00990000), std::nullopt);
}

}  // namespace
}  // namespace quiver::fakes
