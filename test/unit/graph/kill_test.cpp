// Rows that a scan has found dead come no more, and no living row is ever lost to
// that: on each kind of page, logged or not, whenever the kill comes.
#include "base/random.h"
#include "graph/index_testing.h"
#include "page/posting.h"

namespace quiver::fakes {
namespace {

constexpr uint32_t kDim = 60;

using IsDead = std::function<bool(uint32_t)>;

bool Even(uint32_t row) {
  return row % 2 == 0;
}

// What an index is made of, so that its rows lie on one kind of page at least.
struct Make {
  const char* name;
  uint32_t list_limit;
  size_t count;
  size_t twins;  // further rows of the first vector
  size_t nulls;
  size_t zeros;
};

const Make kMakes[] = {{"nodes", 1, 300, 0, 0, 0},
                       {"nodes of two rows", 1, 150, 0, 0, 0},
                       {"posting pages", 1, 100, kPostingsPerPage + 40, 0, 0},
                       {"list", 1000, 300, 0, 0, 0},
                       {"list that drains", 4, 120, 0, 0, 0},
                       {"loose", 1, 40, 0, 60, 60}};

std::vector<Vector> RowsOf(const Make& make) {
  std::vector<Vector> rows = GaussianVectors(91, make.count, kDim);
  if (std::string(make.name) == "nodes of two rows")
    rows.insert(rows.end(), rows.begin(), rows.end());
  for (size_t i = 0; i < make.twins; i++) rows.push_back(rows[0]);
  for (size_t i = 0; i < make.nulls; i++) rows.emplace_back();
  for (size_t i = 0; i < make.zeros; i++) rows.emplace_back(kDim, 0.0f);
  return rows;
}

std::unique_ptr<MemoryIndex> IndexOf(const Make& make, bool logged) {
  auto index = std::make_unique<MemoryIndex>(ParamsOf(kDim, QUIVER_METRIC_COSINE));
  index->file()->set_logged(logged);
  index->SetListLimit(make.list_limit);
  index->InsertAll(RowsOf(make));
  return index;
}

const Vector& Query() {
  static const Vector query = GaussianVectors(92, 1, kDim)[0];
  return query;
}

QuiverScanOptions SeeingAll(QuiverScanOptions options) {
  options.skip_killed = false;
  return options;
}

// Reads a scan to its end, killing what is dead; the pages that got hints.
uint64_t KillAll(Cursor* cursor, const IsDead& is_dead) {
  while (const std::optional<Hit> hit = cursor->Next())
    if (is_dead(hit->row)) cursor->Kill();
  cursor->Finish();
  EXPECT_EQ(Describe(cursor->error()), "");
  EXPECT_EQ(cursor->store().records(), 0u);
  return cursor->store().hinted();
}

uint64_t KillAll(MemoryIndex* index, bool ordered, const IsDead& is_dead) {
  Cursor cursor(index->file(), index->index(), OptionsOf(10), ordered ? &Query() : nullptr);
  return KillAll(&cursor, is_dead);
}

std::vector<uint32_t> Rows(size_t count, const IsDead& wanted) {
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < count; i++)
    if (wanted(i)) rows.push_back(i);
  return rows;
}

std::string NameOf(const Make& make, bool logged) {
  return std::string(make.name) + (logged ? ", logged" : ", not logged");
}

// Killed rows come from no kind of page and in no mode, unless they are asked for.
TEST(Kill, HidesRowsOnEveryKindOfPage) {
  for (const Make& make : kMakes) {
    for (const bool logged : {true, false}) {
      for (const bool ordered : {true, false}) {
        const std::string what = NameOf(make, logged);
        const std::unique_ptr<MemoryIndex> index = IndexOf(make, logged);
        const size_t count = RowsOf(make).size();
        EXPECT_GT(KillAll(index.get(), ordered, Even), 0u) << what;
        const std::vector<uint32_t> living = Rows(count, [](uint32_t row) { return !Even(row); });

        for (const auto iterative : {QUIVER_ITERATIVE_RELAXED, QUIVER_ITERATIVE_STRICT}) {
          QuiverScanOptions options = OptionsOf(10, iterative);
          if (iterative == QUIVER_ITERATIVE_RELAXED)
            ExpectRowsOnce(index->Search(Query(), options), living, what + ", by distance");
          for (const Hit& hit : index->Search(Query(), options))
            ASSERT_FALSE(Even(hit.row)) << what << ", row " << hit.row;
        }
        for (const Hit& hit : index->Search(Query(), OptionsOf(100, QUIVER_ITERATIVE_OFF)))
          ASSERT_FALSE(Even(hit.row)) << what << ", one beam, row " << hit.row;
        ExpectRowsOnce(index->Everything(), living, what + ", without order");

        ExpectRowsOnce(index->Search(Query(), SeeingAll(OptionsOf(10))), RowsUpTo(count),
                       what + ", seeing all");
        Cursor walk(index->file(), index->index(), SeeingAll(OptionsOf(10)), Value());
        size_t walked = 0;
        while (walk.Next().has_value()) walked++;
        EXPECT_EQ(walked, count) << what << ", walking and seeing all";

        // Vacuum sees them all the same.
        QuiverVacuumStats stats = {};
        ASSERT_EQ(Describe(index->Delete(Even, &stats)), "") << what;
        EXPECT_EQ(stats.removed, count - living.size()) << what;
        EXPECT_EQ(stats.remaining, living.size()) << what;
        if (HasFailure()) return;
      }
    }
  }
}

// The rows were vacuumed after the scan read them, and their addresses came back,
// perhaps at the same places.  Then nothing may be set.
TEST(Kill, ComesTooLateAfterTheAddressWasRecycled) {
  for (const Make& make : kMakes) {
    for (const bool logged : {true, false}) {
      for (const bool ordered : {true, false}) {
        const std::string what = NameOf(make, logged);
        const std::unique_ptr<MemoryIndex> index = IndexOf(make, logged);
        const std::vector<Vector> rows = RowsOf(make);
        Cursor cursor(index->file(), index->index(), OptionsOf(10), ordered ? &Query() : nullptr);
        while (const std::optional<Hit> hit = cursor.Next())
          if (Even(hit->row)) cursor.Kill();
        const uint64_t before = cursor.store().hinted();
        ASSERT_EQ(Describe(index->Delete(Even)), "") << what;
        for (uint32_t row = 0; row < rows.size(); row += 2)
          ASSERT_EQ(Describe(index->Insert(row, rows[row])), "") << what;
        cursor.Finish();
        ASSERT_EQ(Describe(cursor.error()), "") << what;
        EXPECT_EQ(cursor.store().hinted(), before) << what;
        ExpectRowsOnce(index->Search(Query(), OptionsOf(10)), RowsUpTo(rows.size()), what);
        ExpectRowsOnce(index->Everything(), RowsUpTo(rows.size()), what);
        if (HasFailure()) return;
      }
    }
  }
}

// Whatever record comes to a page takes its hints along: rows that come to the
// places of killed ones are seen.
TEST(Kill, IsForgottenWithTheNextRecordOnThePage) {
  for (const Make& make : kMakes) {
    for (const bool logged : {true, false}) {
      const std::string what = NameOf(make, logged);
      const std::unique_ptr<MemoryIndex> index = IndexOf(make, logged);
      const std::vector<Vector> rows = RowsOf(make);
      KillAll(index.get(), false, Even);
      ASSERT_EQ(Describe(index->Delete(Even)), "") << what;
      for (uint32_t row = 0; row < rows.size(); row += 2)
        ASSERT_EQ(Describe(index->Insert(row, rows[row])), "") << what;
      ExpectRowsOnce(index->Search(Query(), OptionsOf(10)), RowsUpTo(rows.size()), what);
      ExpectRowsOnce(index->Everything(), RowsUpTo(rows.size()), what);
      if (HasFailure()) return;
    }
  }
}

// Two scans have read the same rows; the second kill of each is no change.
TEST(Kill, TwoScansKillTheSameRows) {
  const std::unique_ptr<MemoryIndex> index = IndexOf(kMakes[0], true);
  Cursor first(index->file(), index->index(), OptionsOf(10), &Query());
  Cursor second(index->file(), index->index(), OptionsOf(10), &Query());
  while (const std::optional<Hit> hit = first.Next())
    if (Even(hit->row)) first.Kill();
  while (const std::optional<Hit> hit = second.Next())
    if (hit->row % 3 == 0 || Even(hit->row)) second.Kill();
  first.Finish();
  second.Finish();
  EXPECT_EQ(Describe(first.error()) + Describe(second.error()), "");
  EXPECT_GT(second.store().hinted(), 0u);
  ExpectRowsOnce(index->Everything(),
                 Rows(300, [](uint32_t row) { return row % 3 != 0 && !Even(row); }), "both");
}

// Each has looked at a page before the other one sets the same bits there.
TEST(Kill, TwoScansKillTheSameRowsAtOnce) {
  size_t both = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    const std::unique_ptr<MemoryIndex> index = IndexOf({"", 1, 40, 0, 0, 0}, seed % 2 == 0);
    Interleaver interleaver(seed, 2);
    uint64_t hinted = 0;
    for (int scan = 0; scan < 2; scan++)
      interleaver.Add([&] {
        Cursor cursor(index->file(), index->index(), OptionsOf(10), &Query(), &interleaver);
        hinted += KillAll(&cursor, Even);
      });
    interleaver.Run();
    both += hinted > index->PagesOf(PageKind::kNode).size() ? 1 : 0;
    ExpectRowsOnce(index->Everything(), Rows(40, [](uint32_t row) { return !Even(row); }),
                   "seed " + std::to_string(seed));
  }
  EXPECT_GT(both, 0u);
}

// Each page is visited once, and only at the end.
TEST(Kill, VisitsEachPageOnce) {
  const std::unique_ptr<MemoryIndex> index = IndexOf(kMakes[0], true);
  Cursor cursor(index->file(), index->index(), OptionsOf(10), &Query());
  while (cursor.Next().has_value()) cursor.Kill();
  EXPECT_EQ(cursor.store().hinted(), 0u);
  const uint64_t reads = cursor.store().reads();
  cursor.Finish();
  const size_t pages = index->PagesOf(PageKind::kNode).size();
  EXPECT_EQ(cursor.store().hinted(), pages);
  EXPECT_EQ(cursor.store().reads() - reads, pages);
  EXPECT_EQ(cursor.stats().killed, 300u);
  cursor.Finish();
  EXPECT_EQ(cursor.store().hinted(), pages);
  EXPECT_TRUE(index->Everything().empty());
}

// A long walk does not gather its kills without bound.
TEST(Kill, ManyAreSetInBatches) {
  Make make = {"many", 1, 10, 0, 2 * kPostingsPerPage, 0};
  const std::unique_ptr<MemoryIndex> index = IndexOf(make, true);
  Cursor cursor(index->file(), index->index(), OptionsOf(10), Value());
  while (cursor.Next().has_value()) cursor.Kill();
  EXPECT_GT(cursor.store().hinted(), 0u);
  cursor.Finish();
  EXPECT_TRUE(index->Everything().empty());
}

// Killed rows among the nearest make a search look no farther than it did while they
// were alive and passed over one by one.
TEST(Kill, SearchesLookNoFarther) {
  const std::unique_ptr<MemoryIndex> index = IndexOf({"", 1, 4000, 0, 0, 0}, true);
  const std::vector<Hit> order = index->Search(Query(), OptionsOf(1000), 2000);
  for (const size_t nearest : {30, 90, 200}) {
    std::set<uint32_t> dead;
    for (size_t i = 0; i < order.size(); i++)
      if (i < nearest || i % 2 == 0) dead.insert(order[i].row);
    MemoryIndex copy(*index);
    uint64_t expanded[2] = {};
    for (uint64_t& count : expanded) {
      Cursor cursor(copy.file(), copy.index(), OptionsOf(20), &Query());
      for (int living = 0; living < 10;) {
        const std::optional<Hit> hit = cursor.Next();
        ASSERT_TRUE(hit.has_value());
        if (dead.count(hit->row) == 0)
          living++;
        else
          cursor.Kill();
      }
      count = cursor.stats().expanded;
      cursor.Finish();
      KillAll(&copy, true, [&](uint32_t row) { return dead.count(row) != 0; });
    }
    EXPECT_GT(expanded[0], 20u) << nearest;
    EXPECT_LE(expanded[1], expanded[0]) << nearest;
  }
}

// Where somebody may still see killed rows nothing is set.
TEST(Kill, IsIgnoredByAScanThatSeesAll) {
  const std::unique_ptr<MemoryIndex> index = IndexOf(kMakes[0], true);
  Cursor cursor(index->file(), index->index(), SeeingAll(OptionsOf(10)), &Query());
  EXPECT_EQ(KillAll(&cursor, Even), 0u);
  EXPECT_EQ(cursor.stats().killed, 0u);
  ExpectRowsOnce(index->Everything(), RowsUpTo(300), "all");
}

// A failure anywhere leaves hints that are right.
TEST(Kill, EveryCallbackFailsOnce) {
  for (const size_t which : {1, 4, 5}) {
    const Make& make = kMakes[which];
    const std::unique_ptr<MemoryIndex> start = IndexOf(make, which != 1);
    const size_t count = RowsOf(make).size();
    const std::vector<uint32_t> living = Rows(count, [](uint32_t row) { return !Even(row); });
    bool ended = false;
    for (uint64_t n = 1; !ended; n += 3) {
      MemoryIndex index(*start);
      {
        Cursor cursor(index.file(), index.index(), OptionsOf(10), &Query());
        cursor.store().FailAt(n);
        while (const std::optional<Hit> hit = cursor.Next())
          if (Even(hit->row)) cursor.Kill();
        cursor.Finish();
        ended = !cursor.error().has_value();
        if (!ended) {
          ASSERT_EQ(cursor.error()->detail, kInjected);
        }
      }
      std::set<uint32_t> seen;
      for (const Hit& hit : index.Everything()) seen.insert(hit.row);
      for (const uint32_t row : living) ASSERT_EQ(seen.count(row), 1u) << n << ", row " << row;
    }
  }
}

// One seeded run: rows die, scans kill them, vacuum takes them, their addresses come
// back with other vectors, all while scans are open.
void RunKillsUnderWrites(uint64_t seed, bool logged) {
  enum State { kAbsent, kLiving, kDead };
  SplitMix64 random(seed);
  const std::string what = "seed " + std::to_string(seed) + (logged ? ", logged" : ", not logged");
  const auto pick = [&](uint64_t n) { return static_cast<uint32_t>(random.Next() % n); };
  MemoryIndex index(ParamsOf(kDim));
  index.file()->set_logged(logged);
  index.SetListLimit(1 + pick(12));
  const std::vector<Vector> vectors = GaussianVectors(seed, 500, kDim);
  std::vector<State> state(400, kAbsent);
  const auto insert = [&](uint32_t row) {
    const uint32_t dice = pick(10);
    const Vector vector = dice == 0 ? Vector() : vectors[dice < 4 ? pick(4) : pick(vectors.size())];
    ASSERT_EQ(Describe(index.Insert(row, vector)), "") << what;
    state[row] = kLiving;
  };
  for (uint32_t row = 0; row < 300; row++) insert(row);
  const auto write = [&] {
    const uint32_t dice = pick(20);
    for (uint32_t n = 0; n < 12; n++) {
      const uint32_t row = pick(state.size());
      if (dice < 8 && state[row] == kLiving) state[row] = kDead;
      if (dice >= 8 && dice < 18 && state[row] == kAbsent) insert(row);
    }
    if (dice < 18) return;
    ASSERT_EQ(Describe(index.Delete([&](uint32_t row) { return state[row] == kDead; })), "");
    for (State& one : state) one = one == kDead ? kAbsent : one;
  };

  uint64_t hinted = 0;
  for (int round = 0; round < 12; round++) {
    Cursor cursor(index.file(), index.index(), OptionsOf(5 + static_cast<int>(pick(30))),
                  pick(3) == 0 ? nullptr : &vectors[pick(vectors.size())]);
    cursor.store().set_at_poll([&] {
      if (pick(30) == 0) write();
    });
    const uint32_t most = pick(2) == 0 ? 30 : 1000;
    for (uint32_t n = 0; n < most; n++) {
      const std::optional<Hit> hit = cursor.Next();
      if (!hit.has_value()) break;
      if (state[hit->row] == kDead) cursor.Kill();
      if (pick(20) == 0) write();
    }
    cursor.Finish();
    ASSERT_EQ(Describe(cursor.error()), "") << what;
    hinted += cursor.store().hinted();

    for (const bool ordered : {true, false}) {
      const std::vector<Hit> hits =
          ordered ? index.Search(vectors[pick(vectors.size())], OptionsOf(20)) : index.Everything();
      std::map<uint32_t, int> times;
      for (const Hit& hit : hits) times[hit.row]++;
      for (uint32_t row = 0; row < state.size(); row++) {
        if (state[row] == kDead) continue;
        ASSERT_EQ(times[row], state[row] == kLiving ? 1 : 0) << what << ", row " << row;
      }
    }
  }
  EXPECT_GT(hinted, 0u) << what;
}

TEST(Kill, UnderWrites) {
  for (uint64_t seed = 201; seed <= 212; seed++) {
    RunKillsUnderWrites(seed, seed % 2 == 0);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace quiver::fakes
