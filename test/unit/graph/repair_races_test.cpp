// A repair of the graph at every point where another operation holds no lock, and
// other operations at every such point of a repair.
#include "base/random.h"
#include "graph/index_testing.h"
#include "page/node.h"
#include "page/posting.h"

namespace quiver::fakes {
namespace {

constexpr uint32_t kDim = 16;

// Runs `other` at the n-th poll of a store's operation.
void AtPoll(MemoryStore* store, uint64_t n, std::function<void()> other) {
  store->set_at_poll([n, other = std::move(other), polls = uint64_t{0}]() mutable {
    if (++polls == n) other();
  });
}

bool IsFoundByBeam(MemoryIndex* index, const Value& vector, uint32_t row) {
  const std::vector<Hit> hits = index->Search(vector, OptionsOf(20, QUIVER_ITERATIVE_OFF));
  return std::any_of(hits.begin(), hits.end(), [&](const Hit& hit) { return hit.row == row; });
}

// A row that moves from the list may be dead already.  Its node is emptied and freed
// before its upper node comes, which must not become the entry point then.
TEST(RepairRaces, EntryPointAboveANodeThatIsGone) {
  const std::vector<Vector> rows = GaussianVectors(401, 400, kDim);
  MemoryIndex index(ParamsOf(kDim));
  index.SetListLimit(1);
  uint32_t next = 0;
  uint32_t tried = 0;
  while (index.partition().state != PartitionState::kGraph) {
    const int level = index.partition().entry().valid() ? index.partition().entry_level : 0;
    const MemoryIndex before(index);
    index.InsertAll<Vector>({rows[next]}, next);
    if (index.partition().entry_level > level) {
      for (uint64_t n = 1;; n++) {
        MemoryIndex copy(before);
        MemoryStore store(copy.file());
        bool reached = false;
        AtPoll(&store, n, [&] {
          reached = true;
          ASSERT_EQ(Describe(copy.Vacuum([&](uint32_t row) { return row < next; })), "");
        });
        ASSERT_EQ(Describe(copy.InsertWith(&store, next, rows[next])), "");
        if (!reached) break;
        const std::string what = "row " + std::to_string(next) + ", poll " + std::to_string(n);
        for (uint32_t row = 390; row < 395; row++)
          ASSERT_EQ(Describe(copy.Insert(row, rows[row])), "") << what;
        for (uint32_t row = 390; row < 395; row++)
          ASSERT_TRUE(IsFoundByBeam(&copy, rows[row], row)) << what;
      }
      tried++;
    }
    next++;
    ASSERT_LT(next, 390u);
  }
  EXPECT_GT(tried, 0u);
}

// Rows that come while nothing else is left are the graph then.
TEST(RepairRaces, RowsThatComeWhenAllAreGone) {
  const std::vector<Vector> rows = GaussianVectors(402, 400, kDim);
  MemoryIndex start(ParamsOf(kDim));
  start.SetListLimit(1);
  start.InsertAll<Vector>({rows.begin(), rows.begin() + 300});
  ASSERT_EQ(start.partition().state, PartitionState::kGraph);
  ASSERT_EQ(Describe(start.Delete([](uint32_t) { return true; })), "");
  const auto expect = [&](MemoryIndex* index, const std::string& what) {
    for (uint32_t row = 352; row < 356; row++)
      ASSERT_EQ(Describe(index->Insert(row, rows[row])), "") << what;
    for (uint32_t row = 350; row < 356; row++)
      EXPECT_TRUE(IsFoundByBeam(index, rows[row], row)) << what << ", row " << row;
    ExpectRowsOnce(index->Everything(), RowsUpTo(356, 350), what);
  };
  for (uint64_t n = 1;; n++) {
    MemoryIndex index(start);
    MemoryStore store(index.file());
    bool reached = false;
    AtPoll(&store, n, [&] {
      reached = true;
      index.InsertAll<Vector>({rows[350], rows[351]}, 350);
    });
    ASSERT_EQ(Describe(index.Cleanup(nullptr, &store)), "");
    if (!reached) break;
    expect(&index, "poll " + std::to_string(n) + " of the repair");
    if (HasFailure()) return;
  }
  for (uint64_t n = 1;; n++) {
    MemoryIndex index(start);
    MemoryStore store(index.file());
    bool reached = false;
    AtPoll(&store, n, [&] {
      reached = true;
      ASSERT_EQ(Describe(index.Cleanup()), "");
    });
    ASSERT_EQ(Describe(index.InsertWith(&store, 350, rows[350])), "");
    if (!reached) break;
    index.InsertAll<Vector>({rows[351]}, 351);
    expect(&index, "poll " + std::to_string(n) + " of the insert");
    if (HasFailure()) return;
  }
}

// A beam whose way down is freed begins again at the entry point of now, which it may
// have met before.
TEST(RepairRaces, EntryPointGoesUnderASearch) {
  const std::vector<Vector> rows = GaussianVectors(403, 800, kDim);
  MemoryIndex start(ParamsOf(kDim));
  start.SetListLimit(1);
  start.InsertAll(rows);
  ASSERT_GE(start.partition().entry_level, 1);
  for (uint32_t upper = 300; upper < rows.size(); upper++) {
    // Rows that got on an upper layer; one of them is left.
    if (SplitMix64(upper).Next() >> 59 != 0) continue;
    for (uint64_t n = 1; n <= 3; n++) {
      MemoryIndex index(start);
      Cursor cursor(index.file(), index.index(), OptionsOf(20, QUIVER_ITERATIVE_OFF), &rows[7]);
      AtPoll(&cursor.store(), n, [&] {
        ASSERT_EQ(Describe(index.Vacuum([&](uint32_t row) { return row != upper; })), "");
      });
      uint32_t hits = 0;
      while (cursor.Next().has_value()) hits++;
      ASSERT_EQ(Describe(cursor.error()), "");
      EXPECT_GT(hits, 0u) << "row " << upper << ", poll " << n;
    }
  }
}

// Rows that come into a region where all others go, while vacuum goes on.
TEST(RepairRaces, RowsThatComeIntoAnEmptiedRegion) {
  const std::vector<Vector> rows = GaussianVectors(405, 1000, 32);
  std::vector<Vector> region = GaussianVectors(406, 1600, 32);
  for (Vector& vector : region)
    for (float& component : vector) component = component * 0.3f + 6;
  MemoryIndex index(ParamsOf(32));
  index.SetListLimit(1);
  index.InsertAll(rows);
  index.InsertAll<Vector>({region.begin(), region.begin() + 1000}, 1000);
  ASSERT_EQ(Describe(index.Delete([](uint32_t row) { return row >= 1000; })), "");
  uint32_t next = 2000;
  const auto insert = [&] {
    index.InsertAll<Vector>({region[next - 1000]}, next);
    next++;
  };
  MemoryStore store(index.file());
  uint64_t polls = 0;
  store.set_at_poll([&] {
    if (++polls % 3 == 0 && next < 2600) insert();
  });
  ASSERT_EQ(Describe(index.Cleanup(nullptr, &store)), "");
  EXPECT_GT(next, 2100u);
  while (next < 2600) insert();
  uint32_t found = 0;
  for (uint32_t row = 2000; row < next; row++)
    found += IsFoundByBeam(&index, region[row - 1000], row) ? 1 : 0;
  EXPECT_GE(found, 595u);
}

// A row that is inserted meanwhile gets its place in the graph.
TEST(RepairRaces, RepairAtEveryPointOfAnInsert) {
  const std::vector<Vector> rows = GaussianVectors(404, 400, kDim);
  MemoryIndex start(ParamsOf(kDim));
  start.SetListLimit(1);
  start.InsertAll<Vector>({rows.begin(), rows.begin() + 300});
  // A row that gets on an upper layer.
  uint32_t upper = 300;
  while (SplitMix64(upper).Next() >> 59 != 0) upper++;
  for (uint64_t n = 1;; n++) {
    MemoryIndex index(start);
    MemoryStore store(index.file());
    bool reached = false;
    AtPoll(&store, n, [&] {
      reached = true;
      ASSERT_EQ(Describe(index.Vacuum([](uint32_t row) { return row % 7 != 1 && row < 300; })), "");
    });
    ASSERT_EQ(Describe(index.InsertWith(&store, upper, rows[350])), "");
    if (!reached) break;
    EXPECT_TRUE(IsFoundByBeam(&index, rows[350], upper)) << "poll " << n;
    std::vector<uint32_t> left = {upper};
    for (uint32_t row = 0; row < 300; row++)
      if (row % 7 == 1) left.push_back(row);
    ExpectRowsOnce(index.Everything(), left, "poll " + std::to_string(n));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace quiver::fakes
