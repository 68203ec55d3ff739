// Bytes changed at random, by kind of field, in sound indexes of every form: how many the
// verifier reports.  QUIVER_DEEP tries more; QUIVER_SEED others.
#include <cstdlib>

#include "base/random.h"
#include "fakes/damaged_index.h"
#include "fakes/field_map.h"
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

uint64_t Seed() {
  const char* seed = getenv("QUIVER_SEED");
  return seed == nullptr || *seed == '\0' ? 20240607 : strtoull(seed, nullptr, 10);
}
bool IsDeep() {
  const char* deep = getenv("QUIVER_DEEP");
  return deep != nullptr && *deep != '\0';
}

std::vector<uint8_t> BytesOf(const MemoryFile& file) {
  std::vector<uint8_t> bytes;
  for (uint32_t block = 0; block < file.block_count(); block++) {
    const std::vector<uint8_t> page = file.Copy(block);
    bytes.insert(bytes.end(), page.begin(), page.end());
  }
  return bytes;
}

// As it was made; or after deletes, a repair and inserts into what was freed.
MemoryIndex SoundIndex(const QuiverIndexParams& params, bool churned) {
  MemoryIndex index = IndexOfAllPageKinds(params);
  if (!churned) return index;
  for (uint32_t round = 0; round < 3; round++) {
    EXPECT_FALSE(index.Vacuum([=](uint32_t row) { return row % 4 == round; }).has_value());
    const std::vector<Value> rows = RandomValues(params, 700 + round, 30);
    for (uint32_t i = 0; i < 30; i++)
      index.InsertAll<Value>({rows[i]}, 5000 + 4 * (100 * round + i) + 3);
  }
  return index;
}

struct Tally {
  size_t tried = 0;
  size_t reported = 0;
};

class VerifyFlips : public ::testing::TestWithParam<QuiverIndexParams> {};

// What heap_all_indexed sees besides: the rows of the table are no longer those of the index.
bool SameRows(std::vector<uint32_t> a, std::vector<uint32_t> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

TEST_P(VerifyFlips, StructureIsReported) {
  const uint64_t seed = Seed();
  const size_t tries = IsDeep() ? 1000 : 8;
  Tally tallies[kFieldKinds];
  for (const bool churned : {false, true}) {
    MemoryIndex sound = SoundIndex(GetParam(), churned);
    ExpectSound(&sound, churned ? "churned" : "new");
    const std::vector<uint32_t> rows = sound.Verify().rows;
    const FieldMap map(BytesOf(*sound.file()));
    for (int k = 0; k < kFieldKinds; k++) {
      const auto kind = static_cast<FieldKind>(k);
      if (!map.Has(kind) || (!IsDeep() && !IsStructural(kind))) continue;
      for (size_t i = 0; i < tries; i++) {
        const ByteFlip flip = map.Choose(kind, seed * 1000003 + k * 100000 + i);
        MemoryIndex index(sound);
        const auto byte =
            static_cast<uint8_t>(index.file()->Copy(flip.block)[flip.offset] ^ flip.mask);
        index.file()->Overwrite(flip.block, flip.offset, &byte, 1);
        const Verdict verdict = index.Verify();
        const bool reported = !verdict.Complaints().empty() || !SameRows(verdict.rows, rows);
        tallies[k].tried++;
        if (reported)
          tallies[k].reported++;
        else if (IsStructural(kind) && getenv("QUIVER_TELL") != nullptr)
          printf("missed: %s, %s, block %u offset %u: %02x -> %02x\n", NameOf(kind),
                 churned ? "churned" : "new", flip.block, flip.offset, byte ^ flip.mask, byte);
      }
    }
  }
  size_t tried = 0;
  size_t reported = 0;
  for (int k = 0; k < kFieldKinds; k++) {
    if (tallies[k].tried == 0) continue;
    const auto kind = static_cast<FieldKind>(k);
    if (IsDeep())
      printf(
          "%-26s %5zu tried, %5zu reported, %5.1f %%\n", NameOf(kind), tallies[k].tried,
          tallies[k].reported,
          100.0 * static_cast<double>(tallies[k].reported) / static_cast<double>(tallies[k].tried));
    if (!IsStructural(kind)) continue;
    tried += tallies[k].tried;
    reported += tallies[k].reported;
  }
  EXPECT_GT(tried, 150u);
  // Of places whose nodes have come and gone more than once less is known.
  EXPECT_GE(static_cast<double>(reported), (IsDeep() ? 0.98 : 0.97) * static_cast<double>(tried))
      << "seed " << seed;
}

INSTANTIATE_TEST_SUITE_P(Forms, VerifyFlips,
                         ::testing::Values(ParamsOf(60, QUIVER_METRIC_L2),
                                           ParamsOf(500, QUIVER_METRIC_COSINE),
                                           ParamsOf(5000, QUIVER_METRIC_L2, 8),
                                           ParamsOf(3000, QUIVER_METRIC_L1, 4),
                                           ParamsOf(700, QUIVER_METRIC_HAMMING, 8),
                                           ParamsOf(20001, QUIVER_METRIC_JACCARD, 4),
                                           SparseParamsOf(5000, QUIVER_METRIC_COSINE, 8)),
                         TestNameOf);

}  // namespace
}  // namespace quiver::fakes
