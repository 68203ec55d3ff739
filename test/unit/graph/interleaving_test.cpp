// Several sessions at once: each seed is another order of their callbacks.  No
// deadlock, no broken rule, no row lost or twice.
#include "base/random.h"
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

constexpr uint32_t kDim = 200;

// Seeds of a test: in the long run of make check-deep so many more that all tests
// together try over 10,000 schedules.
uint64_t Seeds(uint64_t quick) {
  const char* deep = getenv("QUIVER_DEEP");
  return deep != nullptr && *deep != 0 ? 175 * quick : quick;
}

struct World {
  World(const QuiverIndexParams& params, const std::vector<Value>& all, uint32_t already,
        uint32_t list_limit)
      : rows(all), index(params) {
    index.SetListLimit(list_limit);
    index.InsertAll<Value>({rows.begin(), rows.begin() + already});
  }
  World(const std::vector<Vector>& all, uint32_t already, uint32_t list_limit)
      : World(ParamsOf(kDim), ValuesOf(all), already, list_limit) {}

  void Insert(Interleaver* interleaver, uint32_t first, uint32_t last) {
    uint32_t target = QUIVER_INVALID_BLOCK;
    for (uint32_t row = first; row < last; row++) {
      MemoryStore store(index.file(), interleaver);
      store.set_target(target);
      EXPECT_EQ(Describe(index.InsertWith(&store, row, rows[row])), "");
      target = store.target();
    }
  }
  void Vacuum(Interleaver* interleaver, const std::set<uint32_t>& dead) {
    MemoryStore store(index.file(), interleaver);
    EXPECT_EQ(
        Describe(index.Delete([&](uint32_t row) { return dead.count(row) != 0; }, nullptr, &store)),
        "");
    MemoryStore repair(index.file(), interleaver);
    EXPECT_EQ(Describe(index.Cleanup(nullptr, &repair)), "");
  }
  // Nothing that is half done, or of two moments, is taken for damage; rows as Scan.
  void Verify(Interleaver* interleaver, uint32_t must, const std::set<uint32_t>& dead) {
    MemoryStore store(index.file(), interleaver);
    const Verdict verdict = index.Verify(true, &store);
    EXPECT_EQ(verdict.Complaints(), "");
    const std::set<uint32_t> met(verdict.rows.begin(), verdict.rows.end());
    for (uint32_t row = 0; row < must; row++) {
      if (dead.count(row) == 0) {
        EXPECT_EQ(met.count(row), 1u) << "row " << row << " of " << must;
      }
    }
  }
  // Rows below `must` and not in `dead` once, no row twice; kills those that are dead.
  void Scan(Interleaver* interleaver, const Value* query, uint32_t must,
            const std::set<uint32_t>& dead) {
    Cursor cursor(index.file(), index.index(), OptionsOf(8), query, interleaver);
    std::map<uint32_t, int> times;
    while (const std::optional<Hit> hit = cursor.Next()) {
      times[hit->row]++;
      if (dead.count(hit->row) != 0) cursor.Kill();
    }
    cursor.Finish();
    EXPECT_EQ(Describe(cursor.error()), "");
    for (const auto& [row, count] : times) EXPECT_EQ(count, 1) << "row " << row;
    for (uint32_t row = 0; row < must; row++) {
      if (dead.count(row) == 0) {
        EXPECT_EQ(times.count(row), 1u) << "row " << row << " of " << must;
      }
    }
  }

  std::vector<Value> rows;
  MemoryIndex index;
};

std::vector<Vector> SomeRows(uint64_t seed, size_t count) {
  std::vector<Vector> rows = GaussianVectors(seed, count, kDim);
  for (size_t i = 0; i < count; i++)
    if (i % 5 == 3) rows[i] = rows[3];
  return rows;
}

// Two first inserts into an empty index, list and graph.
TEST(Interleaving, FirstInserts) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    World world(SomeRows(91, 9), 0, 1);
    Interleaver interleaver(seed);
    for (uint32_t session = 0; session < 3; session++)
      interleaver.Add([&, session] { world.Insert(&interleaver, 3 * session, 3 * session + 3); });
    interleaver.Run();
    ExpectRowsOnce(world.index.Search(world.rows[0], OptionsOf(5)), RowsUpTo(9),
                   "seed " + std::to_string(seed));
    ExpectSound(&world.index, "seed " + std::to_string(seed));
    if (HasFailure()) return;
  }
}

// Three writers, a vacuum and two readers at once.
void RunEverything(const QuiverIndexParams& params, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    SplitMix64 random(seed);
    const auto already = static_cast<uint32_t>(random.Next() % 70);
    const uint32_t total = already + 36;
    std::vector<Value> rows = params.form == QUIVER_FORM_SPARSE
                                  ? SparseVectors(92, total, params.dim, {20, 50, 1500, 30}, 100)
                                  : RandomValues(params, 92, total);
    for (size_t i = 0; i < total; i++)
      if (i % 5 == 3) rows[i] = rows[3];
    World world(params, rows, already, 1 + static_cast<uint32_t>(random.Next() % 3));
    std::set<uint32_t> dead;
    for (uint32_t row = 0; row < already; row += 3) dead.insert(row);
    world.index.file()->set_logged(seed % 2 == 0);
    Interleaver interleaver(seed, 2);
    for (uint32_t session = 0; session < 3; session++)
      interleaver.Add([&, session] {
        world.Insert(&interleaver, already + 12 * session, already + 12 * session + 12);
      });
    interleaver.Add([&] { world.Vacuum(&interleaver, dead); });
    interleaver.Add([&] { world.Scan(&interleaver, &world.rows[0], already, dead); });
    interleaver.Add([&] { world.Scan(&interleaver, nullptr, already, dead); });
    interleaver.Add([&] { world.Verify(&interleaver, already, dead); });
    interleaver.Run();
    std::vector<uint32_t> left;
    for (uint32_t row = 0; row < total; row++)
      if (dead.count(row) == 0) left.push_back(row);
    ExpectRowsOnce(world.index.Search(world.rows[0], OptionsOf(5)), left,
                   "seed " + std::to_string(seed));
    ExpectRowsOnce(world.index.Everything(), left, "seed " + std::to_string(seed));
    ExpectSound(&world.index, "seed " + std::to_string(seed));
    if (::testing::Test::HasFailure()) {
      printf("seed %lu\n", seed);
      return;
    }
  }
}

// A repair that says it is complete has left no emptied node, whatever the pages of
// free places did meanwhile.
TEST(Interleaving, RepairOverPagesThatFillUp) {
  const std::vector<Value> rows = ValuesOf(GaussianVectors(97, 220, 60));
  for (uint64_t seed = 241; seed < 241 + Seeds(12); seed++) {
    World world(ParamsOf(60), rows, 150, 1);
    std::set<uint32_t> dead;
    for (uint32_t row = 0; row < 150; row += 5) dead.insert(row);
    ASSERT_EQ(Describe(world.index.Vacuum([&](uint32_t row) { return dead.count(row) != 0; })), "");
    for (uint32_t row = 0; row < 150; row++)
      if (row % 3 != 2) dead.insert(row);
    ASSERT_EQ(Describe(world.index.Delete([&](uint32_t row) { return dead.count(row) != 0; })), "");
    Interleaver interleaver(seed, 2);
    for (uint32_t session = 0; session < 3; session++)
      interleaver.Add(
          [&, session] { world.Insert(&interleaver, 150 + 20 * session, 170 + 20 * session); });
    interleaver.Add([&] {
      MemoryStore repair(world.index.file(), &interleaver);
      EXPECT_EQ(Describe(world.index.Cleanup(nullptr, &repair)), "");
    });
    interleaver.Run();
    const std::string what = "seed " + std::to_string(seed);
    ExpectSound(&world.index, what);
    EXPECT_EQ(Meta(world.index.file()->Copy(kMetaBlock).data())->repair_pending, 0u) << what;
    std::vector<uint32_t> left;
    for (uint32_t row = 0; row < 210; row++)
      if (dead.count(row) == 0) left.push_back(row);
    ExpectRowsOnce(world.index.Everything(), left, what);
    if (HasFailure()) return;
  }
}

// Chunk pages of a node that never came are freed, be it that the place gets another
// one, with the same generation, while the repair looks at them.
TEST(Interleaving, RepairAmongChunksOfANodeThatNeverCame) {
  for (const QuiverIndexParams& params :
       {ParamsOf(6000, QUIVER_METRIC_L2, 6), ParamsOf(5000, QUIVER_METRIC_L1, 4),
        SparseParamsOf(9000, QUIVER_METRIC_IP, 4)}) {
    const std::vector<Value> rows = params.form == QUIVER_FORM_SPARSE
                                        ? SparseVectors(99, 30, params.dim, {3000}, 100)
                                        : RandomValues(params, 99, 30);
    const std::set<uint32_t> dead = {0, 1, 2, 3};
    World start(params, rows, 16, 1);
    ASSERT_EQ(Describe(start.index.Delete([&](uint32_t row) { return dead.count(row) != 0; })), "");
    // An insert ends behind its first record.
    const size_t chunks = start.index.PagesOf(PageKind::kChunk).size();
    MemoryStore store(start.index.file());
    store.set_after_commit([&] { store.FailAt(1); });
    ASSERT_NE(Describe(start.index.InsertWith(&store, 29, rows[29])), "");
    ASSERT_EQ(start.index.PagesOf(PageKind::kChunk).size(), chunks + 1);

    for (uint64_t seed = 1; seed <= Seeds(8); seed++) {
      const std::string what = NameOf(params) + ", seed " + std::to_string(seed);
      World world(start);
      MemoryFile* file = world.index.file();
      for (uint32_t block = 0; block < file->block_count(); block++)
        if (IsNewPage(file->Copy(block).data())) file->NoteFree(block);
      Interleaver interleaver(seed, 2);
      for (const uint32_t first : {16, 18})
        interleaver.Add([&, first] { world.Insert(&interleaver, first, first + 2); });
      interleaver.Add([&] {
        MemoryStore repair(file, &interleaver);
        EXPECT_EQ(Describe(world.index.Cleanup(nullptr, &repair)), "");
      });
      interleaver.Add([&] { world.Scan(&interleaver, &rows[20], 16, dead); });
      interleaver.Add([&] { world.Verify(&interleaver, 16, dead); });
      interleaver.Run();
      ExpectRowsOnce(world.index.Everything(), RowsUpTo(20, 4), what);
      ExpectSound(&world.index, what);
      // What that repair's census was too early for, the next one finds.
      ASSERT_EQ(Describe(world.index.Vacuum([](uint32_t row) { return row == 10; })), "") << what;
      ExpectSound(&world.index, what);
      EXPECT_EQ(world.index.Verify().Figure("pages that belong to nothing"), 0u) << what;
      if (HasFailure()) return;
    }
  }
}

// While the list grows, closes and drains.
TEST(Interleaving, EverythingAtOnce) {
  RunEverything(ParamsOf(kDim), Seeds(20));
}

// The same with each form of node.
TEST(Interleaving, EverythingAtOnceOnChunks) {
  RunEverything(ParamsOf(9000, QUIVER_METRIC_L2, 4), Seeds(6));
  RunEverything(ParamsOf(2600, QUIVER_METRIC_COSINE, 16, QUIVER_STORAGE_FLOAT32), Seeds(4));
}
TEST(Interleaving, EverythingAtOnceWithoutCodes) {
  RunEverything(ParamsOf(300, QUIVER_METRIC_L1, 4), Seeds(6));
  RunEverything(ParamsOf(5000, QUIVER_METRIC_L1, 4), Seeds(4));
}
TEST(Interleaving, EverythingAtOnceOnBits) {
  RunEverything(ParamsOf(1500, QUIVER_METRIC_HAMMING, 4), Seeds(6));
  RunEverything(ParamsOf(30000, QUIVER_METRIC_JACCARD, 4), Seeds(4));
}
TEST(Interleaving, EverythingAtOnceOnSparse) {
  RunEverything(SparseParamsOf(9000, QUIVER_METRIC_L2, 4), Seeds(8));
}

// Many writers into one small graph: full lists are pruned by all of them at once.
TEST(Interleaving, WritersIntoFullLists) {
  for (uint64_t seed = 1; seed <= 3; seed++) {
    World world(GaussianVectors(93, 260, kDim), 200, 1);
    Interleaver interleaver(seed);
    for (uint32_t session = 0; session < 4; session++)
      interleaver.Add(
          [&, session] { world.Insert(&interleaver, 200 + 15 * session, 215 + 15 * session); });
    interleaver.Run();
    ExpectRowsOnce(world.index.Search(world.rows[0], OptionsOf(5)), RowsUpTo(260),
                   "seed " + std::to_string(seed));
    ExpectSound(&world.index, "seed " + std::to_string(seed));
    // The graph itself, without a sweep, still leads to nearly all of them: each
    // row's own vector as query finds that row.
    uint32_t found = 0;
    for (uint32_t row = 0; row < 260; row++) {
      const std::vector<Hit> hits =
          world.index.Search(world.rows[row], OptionsOf(20, QUIVER_ITERATIVE_OFF), 1);
      found += !hits.empty() && hits[0].row == row ? 1 : 0;
    }
    EXPECT_GE(found, 255u) << "seed " << seed;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace quiver::fakes
