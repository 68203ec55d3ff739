// The interleavings of docs/concurrency.md, by name: one operation stops at each of
// its polls in turn, where it holds no lock, while others run from begin to end;
// then it goes on.  What happens between polls is left to seeded schedules
// (interleaving_test.cpp).
#include "base/random.h"
#include "graph/index_testing.h"
#include "page/node.h"

namespace quiver::fakes {
namespace {

using Operation = std::function<std::optional<QuiverError>(MemoryIndex*, MemoryStore*)>;
using Meanwhile = std::function<void(MemoryIndex*)>;

// At most so many of an operation's polls are tried, evenly spread.
constexpr uint64_t kMostPauses = 25;

// `check` is told at which poll the others ran.
void AtEachPoll(const MemoryIndex& start, const Operation& operation, const Meanwhile& meanwhile,
                const std::function<void(MemoryIndex*, const std::string&)>& check) {
  uint64_t polls = 0;
  {
    MemoryIndex index(start);
    MemoryStore store(index.file());
    store.set_at_poll([&] { polls++; });
    ASSERT_EQ(Describe(operation(&index, &store)), "");
  }
  ASSERT_GT(polls, 0u);
  for (uint64_t pause = 1; pause <= polls; pause += polls / kMostPauses + 1) {
    const std::string what = "at poll " + std::to_string(pause) + " of " + std::to_string(polls);
    MemoryIndex index(start);
    uint64_t at = 0;
    {
      MemoryStore store(index.file());
      store.set_at_poll([&] {
        if (++at == pause) meanwhile(&index);
      });
      ASSERT_EQ(Describe(operation(&index, &store)), "") << what;
    }
    ExpectSound(&index, what);
    check(&index, what);
    if (::testing::Test::HasFailure()) return;
  }
}

// A graph of `count` rows; every ninth has the vector of row 0.
struct World {
  World(const QuiverIndexParams& p, uint32_t rows_now) : params(p), count(rows_now), index(p) {
    const uint32_t more = 40;
    rows = params.form == QUIVER_FORM_SPARSE
               ? SparseVectors(401, count + more, params.dim, {20, 50, 1500, 3000}, 100)
               : RandomValues(params, 401, count + more);
    for (uint32_t i = 9; i < count; i += 9) rows[i] = rows[0];
    index.SetListLimit(1);
    index.InsertAll<Value>({rows.begin(), rows.begin() + count});
    EXPECT_EQ(index.partition().state, PartitionState::kGraph);
    EXPECT_GE(index.partition().entry_level, 1);
  }

  Operation InsertOf(uint32_t row) const {
    return [this, row](MemoryIndex* to, MemoryStore* store) {
      return to->InsertWith(store, row, rows[row]);
    };
  }
  Operation CleanupOf() const {
    return [](MemoryIndex* of, MemoryStore* store) { return of->Cleanup(nullptr, store); };
  }
  void Lose(MemoryIndex* of, const std::set<uint32_t>& dead) const {
    ASSERT_EQ(Describe(of->Vacuum([&](uint32_t row) { return dead.count(row) != 0; })), "");
  }
  // Rows of others, into the places that have become free.
  void Fill(MemoryIndex* to, uint32_t first, uint32_t last) const {
    for (uint32_t row = first; row < last; row++)
      ASSERT_EQ(Describe(to->Insert(row, rows[row])), "");
  }
  // Just these, by distance and without.
  void ExpectRows(MemoryIndex* of, const std::set<uint32_t>& expected,
                  const std::string& what) const {
    ExpectRowsOnce(of->Search(rows[1], OptionsOf(10)), expected, what + ", by distance");
    ExpectRowsOnce(of->Everything(), expected, what + ", without order");
  }
  std::set<uint32_t> All() const {
    std::set<uint32_t> all;
    for (uint32_t row = 0; row < count; row++) all.insert(row);
    return all;
  }
  // The rows nearest to `row`, itself not among them.
  std::set<uint32_t> Nearest(uint32_t row, size_t n) const {
    std::set<uint32_t> nearest;
    for (const Hit& hit : MemoryIndex(index).Search(rows[row], OptionsOf(100)))
      if (hit.row != row && nearest.size() < n) nearest.insert(hit.row);
    return nearest;
  }

  QuiverIndexParams params;
  uint32_t count;
  std::vector<Value> rows;
  mutable MemoryIndex index;
};

std::set<uint32_t> Minus(std::set<uint32_t> rows, const std::set<uint32_t>& others) {
  for (const uint32_t row : others) rows.erase(row);
  return rows;
}
std::set<uint32_t> Plus(std::set<uint32_t> rows, uint32_t first, uint32_t last) {
  for (uint32_t row = first; row < last; row++) rows.insert(row);
  return rows;
}

// Shapes of nodes: on one page, in chunks with codes, without codes, of bits, sparse.
class WritePath : public ::testing::TestWithParam<QuiverIndexParams> {
 protected:
  World world_{GetParam(), 150};
};

TEST_P(WritePath, InsertHoldsCandidatesThatVacuumFrees) {
  const uint32_t fresh = world_.count;
  const std::set<uint32_t> dead = world_.Nearest(fresh, 40);
  AtEachPoll(
      world_.index, world_.InsertOf(fresh), [&](MemoryIndex* index) { world_.Lose(index, dead); },
      [&](MemoryIndex* index, const std::string& what) {
        world_.ExpectRows(index, Plus(Minus(world_.All(), dead), fresh, fresh + 1), what);
      });
}

// A place that the insert has a pointer to gets another node, of the same layer or
// not, or its page becomes one of another kind.
TEST_P(WritePath, PlacesAreReusedUnderAnInsert) {
  const uint32_t fresh = world_.count;
  const std::set<uint32_t> dead = world_.Nearest(fresh, 60);
  AtEachPoll(
      world_.index, world_.InsertOf(fresh),
      [&](MemoryIndex* index) {
        world_.Lose(index, dead);
        world_.Fill(index, fresh + 1, fresh + 30);
        for (uint32_t row = 5000; row < 5040; row++)
          ASSERT_EQ(Describe(index->Insert(row, row % 2 == 0 ? Value() : world_.rows[0])), "");
      },
      [&](MemoryIndex* index, const std::string& what) {
        world_.ExpectRows(
            index, Plus(Plus(Minus(world_.All(), dead), fresh, fresh + 30), 5000, 5040), what);
      });
}

TEST_P(WritePath, EntryPointIsReplacedUnderAnInsert) {
  const uint32_t fresh = world_.count;
  // All but a few: the upper layers lose all their nodes, or nearly.
  const std::set<uint32_t> left = {3, 4, 5};
  AtEachPoll(
      world_.index, world_.InsertOf(fresh),
      [&](MemoryIndex* index) { world_.Lose(index, Minus(world_.All(), left)); },
      [&](MemoryIndex* index, const std::string& what) {
        world_.ExpectRows(index, Plus(left, fresh, fresh + 1), what);
        EXPECT_TRUE(index->partition().entry().valid()) << what;
      });
}

TEST_P(WritePath, AllGoUnderAnInsert) {
  const uint32_t fresh = world_.count;
  AtEachPoll(
      world_.index, world_.InsertOf(fresh),
      [&](MemoryIndex* index) { world_.Lose(index, world_.All()); },
      [&](MemoryIndex* index, const std::string& what) {
        world_.ExpectRows(index, {fresh}, what);
        // Another one finds its way in, whatever became of the first.
        ASSERT_EQ(Describe(index->Insert(fresh + 1, world_.rows[fresh + 1])), "") << what;
        world_.ExpectRows(index, {fresh, fresh + 1}, what);
      });
}

TEST_P(WritePath, DuplicateOfANodeThatIsEmptied) {
  const uint32_t fresh = world_.count;
  std::set<uint32_t> twins = {0};
  for (uint32_t i = 9; i < world_.count; i += 9) twins.insert(i);
  world_.rows[fresh] = world_.rows[0];
  AtEachPoll(
      world_.index, world_.InsertOf(fresh), [&](MemoryIndex* index) { world_.Lose(index, twins); },
      [&](MemoryIndex* index, const std::string& what) {
        world_.ExpectRows(index, Plus(Minus(world_.All(), twins), fresh, fresh + 1), what);
      });
}

TEST_P(WritePath, SearchOverVacuumAndReuse) {
  const std::set<uint32_t> dead = world_.Nearest(1, 70);
  const std::set<uint32_t> kept = Minus(world_.All(), dead);
  for (const Value& query : {world_.rows[1], Value()}) {
    for (const int pause : {1, 2, 3, 5, 8, 13, 21, 34, 55, 89}) {
      MemoryIndex index(world_.index);
      Cursor cursor(index.file(), index.index(), OptionsOf(10), query);
      int at = 0;
      cursor.store().set_at_poll([&] {
        if (++at != pause) return;
        world_.Lose(&index, dead);
        world_.Fill(&index, world_.count, world_.count + 30);
      });
      std::map<uint32_t, int> times;
      while (const std::optional<Hit> hit = cursor.Next()) times[hit->row]++;
      const std::string what = "poll " + std::to_string(pause);
      ASSERT_EQ(Describe(cursor.error()), "") << what;
      for (const auto& [row, count] : times) EXPECT_EQ(count, 1) << what << ", row " << row;
      for (const uint32_t row : kept) EXPECT_EQ(times.count(row), 1u) << what << ", row " << row;
      ExpectSound(&index, what);
      if (HasFailure()) return;
    }
  }
}

// The rows of a chain are read while it loses pages, and gets others.
TEST_P(WritePath, ChainOfRowsShrinksUnderASearch) {
  MemoryIndex start(world_.index);
  const uint32_t first = 1000;
  const auto last = static_cast<uint32_t>(first + 3 * kPostingsPerPage);
  for (uint32_t row = first; row < last; row++)
    ASSERT_EQ(Describe(start.Insert(row, world_.rows[0])), "");
  const auto dead = [&](uint32_t row) {
    return row >= first + 10 && row < first + 2 * kPostingsPerPage + 10;
  };
  for (int pause = 1; pause <= 60; pause += 7) {
    MemoryIndex index(start);
    Cursor cursor(index.file(), index.index(), OptionsOf(10), world_.rows[0]);
    int at = 0;
    const auto meanwhile = [&] {
      ASSERT_EQ(Describe(index.Vacuum(dead)), "");
      for (uint32_t row = last; row < last + 50; row++)
        ASSERT_EQ(Describe(index.Insert(row, world_.rows[0])), "");
    };
    cursor.store().set_at_poll([&] {
      if (++at == pause) meanwhile();
    });
    std::map<uint32_t, int> times;
    uint32_t returned = 0;
    while (const std::optional<Hit> hit = cursor.Next()) {
      times[hit->row]++;
      // Between two pages of the chain, too.
      if (++returned == kPostingsPerPage / 2 && at < pause) {
        at = pause;
        meanwhile();
      }
    }
    const std::string what = "poll " + std::to_string(pause);
    ASSERT_EQ(Describe(cursor.error()), "") << what;
    for (const auto& [row, count] : times) EXPECT_EQ(count, 1) << what << ", row " << row;
    for (uint32_t row = first; row < last; row++) {
      if (!dead(row)) {
        EXPECT_EQ(times.count(row), 1u) << what << ", row " << row;
      }
    }
    ExpectSound(&index, what);
    if (HasFailure()) return;
  }
}

TEST_P(WritePath, ChainOfRowsGrowsUnderABulkDelete) {
  const uint32_t first = 1000;
  const auto last = static_cast<uint32_t>(first + kPostingsPerPage + 20);
  const auto dead = [&](uint32_t row) { return row % 3 == 0; };
  AtEachPoll(
      world_.index,
      [&](MemoryIndex* index, MemoryStore* store) { return index->Delete(dead, nullptr, store); },
      [&](MemoryIndex* index) {
        for (uint32_t row = first; row < last; row++)
          ASSERT_EQ(Describe(index->Insert(row, world_.rows[0])), "");
      },
      [&](MemoryIndex* index, const std::string& what) {
        // Of the new rows some were judged, others came too late to be: they are alive
        // in any case, as far as this vacuum knows its dead.
        std::map<uint32_t, int> times;
        for (const Hit& hit : index->Everything()) times[hit.row]++;
        for (const auto& [row, count] : times) EXPECT_EQ(count, 1) << what << ", row " << row;
        for (uint32_t row = 0; row < world_.count; row++)
          EXPECT_EQ(times.count(row), dead(row) ? 0u : 1u) << what << ", row " << row;
        for (uint32_t row = first; row < last; row++) {
          if (!dead(row)) {
            EXPECT_EQ(times.count(row), 1u) << what << ", row " << row;
          }
        }
      });
}

TEST_P(WritePath, InsertsNearWhatIsBeingRepaired) {
  const uint32_t fresh = world_.count;
  const std::set<uint32_t> dead = world_.Nearest(fresh, 50);
  MemoryIndex start(world_.index);
  ASSERT_EQ(Describe(start.Delete([&](uint32_t row) { return dead.count(row) != 0; })), "");
  AtEachPoll(
      start, world_.CleanupOf(),
      [&](MemoryIndex* index) {
        world_.Fill(index, fresh, fresh + 20);
        // And the dead come back as other rows.
        uint32_t row = 3000;
        for (const uint32_t old : dead)
          ASSERT_EQ(Describe(index->Insert(row++, world_.rows[old])), "");
      },
      [&](MemoryIndex* index, const std::string& what) {
        world_.ExpectRows(index,
                          Plus(Plus(Minus(world_.All(), dead), fresh, fresh + 20), 3000,
                               3000 + static_cast<uint32_t>(dead.size())),
                          what);
      });
}

TEST_P(WritePath, FirstRowAfterAllWentWhileRepairing) {
  const uint32_t fresh = world_.count;
  MemoryIndex start(world_.index);
  ASSERT_EQ(Describe(start.Delete([](uint32_t) { return true; })), "");
  AtEachPoll(
      start, world_.CleanupOf(), [&](MemoryIndex* index) { world_.Fill(index, fresh, fresh + 3); },
      [&](MemoryIndex* index, const std::string& what) {
        world_.ExpectRows(index, Plus({}, fresh, fresh + 3), what);
        world_.Fill(index, fresh + 3, fresh + 20);
        world_.ExpectRows(index, Plus({}, fresh, fresh + 20), what);
      });
}

// A vacuum that is cancelled at any of its polls leaves what the next one finishes.
TEST_P(WritePath, CancelledVacuumIsFinishedByTheNext) {
  const std::set<uint32_t> dead = world_.Nearest(1, 60);
  const auto is_dead = [&](uint32_t row) { return dead.count(row) != 0; };
  uint64_t calls = 0;
  {
    MemoryIndex index(world_.index);
    MemoryStore store(index.file());
    ASSERT_EQ(Describe(index.Delete(is_dead)), "");
    ASSERT_EQ(Describe(index.Cleanup(nullptr, &store)), "");
    calls = store.calls();
  }
  for (uint64_t n = 1; n <= calls; n += calls / kMostPauses + 1) {
    const std::string what = "call " + std::to_string(n);
    MemoryIndex index(world_.index);
    ASSERT_EQ(Describe(index.Delete(is_dead)), "");
    {
      MemoryStore store(index.file());
      store.FailAt(n);
      ASSERT_TRUE(index.Cleanup(nullptr, &store).has_value()) << what;
    }
    ExpectSound(&index, what + ", cancelled");
    // It comes without a bulkdelete: nothing has died since.
    QuiverVacuumStats stats = {};
    ASSERT_EQ(Describe(index.Cleanup(&stats)), "") << what;
    ExpectSound(&index, what);
    for (const PageKind kind : {PageKind::kNode, PageKind::kUpper}) {
      for (const uint32_t block : index.PagesOf(kind)) {
        const std::vector<uint8_t> page = index.file()->Copy(block);
        for (uint32_t slot = 0; slot < index.layout().nodes_per_page; slot++)
          EXPECT_EQ(ConstNode(page.data(), index.layout(), slot).head().flags & kNodeEmptied, 0)
              << what << ", block " << block;
      }
    }
    world_.ExpectRows(&index, Minus(world_.All(), dead), what);
    if (HasFailure()) return;
  }
}

// Two sessions, each with the other's row among its neighbours; and full lists that
// both want to enter.  ExpectSound refuses a list with the same link twice.
TEST_P(WritePath, BothSidesAddTheSameEdge) {
  for (uint64_t seed = 1; seed <= 10; seed++) {
    MemoryIndex index(world_.index);
    Interleaver interleaver(seed, 2);
    for (uint32_t session = 0; session < 3; session++)
      interleaver.Add([&, session] {
        for (uint32_t i = 0; i < 4; i++) {
          const uint32_t row = world_.count + 4 * session + i;
          MemoryStore store(index.file(), &interleaver);
          EXPECT_EQ(Describe(index.InsertWith(&store, row, world_.rows[row])), "");
        }
      });
    interleaver.Run();
    const std::string what = "seed " + std::to_string(seed);
    ExpectSound(&index, what);
    world_.ExpectRows(&index, Plus(world_.All(), world_.count, world_.count + 12), what);
    if (HasFailure()) return;
  }
}

// Where many pages have free places, none is looked through twice.
TEST_P(WritePath, FreePlacesAreFoundAtOnce) {
  MemoryIndex index(world_.index);
  std::set<uint32_t> dead;
  for (uint32_t row = 1; row < world_.count; row += 2) dead.insert(row);
  world_.Lose(&index, dead);
  uint64_t most = 0;
  for (uint32_t row = world_.count; row < world_.count + 40; row++) {
    MemoryStore store(index.file());
    ASSERT_EQ(Describe(index.InsertWith(&store, row, world_.rows[row])), "");
    most = std::max(most, store.records());
  }
  // A node, its chunks, its links on two layers, and at most a few pages that turned
  // out to be full.
  EXPECT_LE(most, 4 * index.layout().slots + 40);
  ExpectSound(&index, "filled");
}

INSTANTIATE_TEST_SUITE_P(Forms, WritePath,
                         ::testing::Values(ParamsOf(60), ParamsOf(5000, QUIVER_METRIC_L2, 4),
                                           ParamsOf(300, QUIVER_METRIC_L1, 4),
                                           ParamsOf(700, QUIVER_METRIC_HAMMING, 4),
                                           SparseParamsOf(5000, QUIVER_METRIC_L2, 4)),
                         TestNameOf);

}  // namespace
}  // namespace quiver::fakes
