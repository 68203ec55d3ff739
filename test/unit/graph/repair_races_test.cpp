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

}  // namespace
}  // namespace quiver::fakes
