// Damage that the verifier must see, kind by kind, and how much it makes of it.
#include "base/random.h"
#include "fakes/damage_kinds.h"
#include "fakes/damaged_index.h"
#include "graph/index_testing.h"
#include "page/chunk.h"

namespace quiver::fakes {
namespace {

class VerifyDamage : public ::testing::TestWithParam<QuiverIndexParams> {
 protected:
  static bool Found(const Verdict& verdict, QuiverSeverity severity, const std::string& text) {
    return std::any_of(
        verdict.findings.begin(), verdict.findings.end(), [&](const QuiverFinding& finding) {
          return finding.severity == severity && (text.empty() || text == finding.text);
        });
  }
};

TEST_P(VerifyDamage, EachKindIsSeen) {
  MemoryIndex sound = IndexOfAllPageKinds(GetParam());
  ExpectSound(&sound, "sound");
  size_t tried = 0;
  for (const DamageKind& kind : DamageKinds()) {
    Patient patient(sound);
    if (!kind.applies(patient)) continue;
    kind.damage(&patient);
    const Verdict verdict = patient.index()->Verify();
    EXPECT_TRUE(Found(verdict, kind.severity, kind.text))
        << kind.name << ", \"" << kind.text << "\": " << verdict.Complaints().substr(0, 500);
    EXPECT_FALSE(verdict.error.has_value()) << kind.name;
    // What costs recall alone is no error.
    if (kind.severity == QUIVER_SEVERITY_WARNING) {
      EXPECT_EQ(verdict.Count(QUIVER_SEVERITY_ERROR), 0u)
          << kind.name << ": " << verdict.Complaints().substr(0, 500);
    }
    tried++;
  }
  EXPECT_GT(tried, 60u);
}

// Links alone damaged: routes, not rows.
TEST_P(VerifyDamage, LinksAreWarnings) {
  const MemoryIndex sound = IndexOfAllPageKinds(GetParam());
  const NodeLayout& layout = sound.layout();
  for (uint64_t seed = 1; seed <= 5; seed++) {
    SplitMix64 random(seed);
    MemoryIndex index(sound);
    for (const PageKind kind : {PageKind::kNode, PageKind::kUpper}) {
      for (const uint32_t block : index.PagesOf(kind)) {
        const size_t first = layout.OffsetOf(0) + layout.number_offset;
        const size_t bytes =
            layout.code_offset + layout.codes_at_home * layout.code_bytes - layout.number_offset;
        const uint64_t noise = random.Next();
        index.file()->Overwrite(block, first + random.Next() % (bytes - 8), &noise, 8);
      }
    }
    const Verdict verdict = index.Verify();
    EXPECT_EQ(verdict.Count(QUIVER_SEVERITY_ERROR), 0u) << verdict.Complaints().substr(0, 500);
    EXPECT_GT(verdict.Count(QUIVER_SEVERITY_WARNING), 0u);
  }
}

// Another node in a node's place makes pointers that lead nowhere: a figure, not a fault.
TEST_P(VerifyDamage, StalePointersAreCounted) {
  Patient patient(IndexOfAllPageKinds(GetParam()));
  const NodeLayout& layout = patient.layout();
  const auto number = patient.Get<uint32_t>(patient.First(PageKind::kUpper),
                                            patient.Head(offsetof(NodeHead, down_number)));
  const uint32_t block = layout.BlockOf(number);
  const size_t counter = kPageSpecialOffset + offsetof(PageSpecial, generation);
  const uint32_t next = patient.Get<uint32_t>(block, counter) + 1;
  patient.Put(block, counter, next);
  patient.Put(block, patient.Head(offsetof(NodeHead, generation), layout.SlotOf(number)), next);
  // Its pages name it; their heads begin alike.
  static_assert(offsetof(ChunkHead, generation) == offsetof(PostingHead, generation));
  for (const PageKind kind : {PageKind::kChunk, PageKind::kPosting})
    for (const uint32_t page : patient.index()->PagesOf(kind))
      if (patient.Get<uint32_t>(page, kPageHeaderBytes) == number)
        patient.Put(page, kPageHeaderBytes + offsetof(ChunkHead, generation), next);
  const Verdict verdict = patient.index()->Verify();
  EXPECT_EQ(verdict.Complaints(), "");
  EXPECT_GE(verdict.Figure("links to nodes that are gone"), 1u);
  EXPECT_EQ(verdict.Figure("upper nodes whose node below is gone"), 1u);
}

TEST_P(VerifyDamage, ATruncatedFile) {
  const MemoryIndex sound = IndexOfAllPageKinds(GetParam());
  MemoryFile* whole = const_cast<MemoryIndex&>(sound).file();
  for (uint32_t keep : {1u, whole->block_count() / 2}) {
    MemoryIndex index(sound.params());
    while (index.file()->block_count() < keep) index.file()->Extend();
    for (uint32_t block = 0; block < keep; block++)
      index.file()->Overwrite(block, 0, whole->Copy(block).data(), kPageBytes);
    const Verdict verdict = index.Verify();
    EXPECT_FALSE(verdict.error.has_value());
    EXPECT_GT(verdict.Count(QUIVER_SEVERITY_ERROR), 0u) << keep;
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, VerifyDamage,
                         ::testing::Values(ParamsOf(60, QUIVER_METRIC_L2),
                                           ParamsOf(60, QUIVER_METRIC_COSINE),
                                           ParamsOf(5000, QUIVER_METRIC_L2, 8),
                                           ParamsOf(3000, QUIVER_METRIC_L1, 4),
                                           ParamsOf(700, QUIVER_METRIC_HAMMING, 8),
                                           ParamsOf(20001, QUIVER_METRIC_JACCARD, 4),
                                           SparseParamsOf(5000, QUIVER_METRIC_COSINE, 8)),
                         TestNameOf);

}  // namespace
}  // namespace quiver::fakes
