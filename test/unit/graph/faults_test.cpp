// Every callback fails once, and every record is once the last before a crash:
// what is left must be sound, and hold every row inserted before.
#include "base/random.h"
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

// An operation on an index, and the rows that must be there whether it ends or not.
struct Case {
  const char* name;
  std::function<std::unique_ptr<MemoryIndex>()> make;
  std::function<std::optional<QuiverError>(MemoryIndex*, MemoryStore*)> operate;
  uint32_t kept;      // rows 0 .. kept - 1 survive
  uint32_t optional;  // up to here they may be there
};

std::unique_ptr<MemoryIndex> Grown(uint32_t dim, uint32_t list_limit,
                                   const std::vector<Vector>& rows) {
  auto index = std::make_unique<MemoryIndex>(ParamsOf(dim));
  index->SetListLimit(list_limit);
  index->InsertAll(rows);
  return index;
}

std::vector<Vector> SomeRows(size_t count) {
  return GaussianVectors(71, count, 300);
}

std::vector<Vector> WithDuplicates(size_t count, size_t duplicates) {
  std::vector<Vector> rows = SomeRows(count);
  rows.insert(rows.end(), duplicates, rows[0]);
  return rows;
}

// A graph of any form.
std::unique_ptr<MemoryIndex> GraphOf(const QuiverIndexParams& params,
                                     const std::vector<Value>& rows) {
  auto index = std::make_unique<MemoryIndex>(params);
  index->SetListLimit(1);
  index->InsertAll(rows);
  EXPECT_NE(index->partition().state, PartitionState::kList) << NameOf(params);
  return index;
}

std::vector<Value> Mixture(const QuiverIndexParams& params, size_t count) {
  std::vector<Value> rows = params.form == QUIVER_FORM_SPARSE
                                ? SparseVectors(76, count, params.dim, {20, 50, 1500, 3000}, 100)
                                : RandomValues(params, 76, count);
  return rows;
}

// An insert into a graph of each form, with and without codes and chunk pages.
void AddForms(std::vector<Case>* cases) {
  struct Form {
    const char* name;
    const char* twin;
    QuiverIndexParams params;
    uint32_t count;
  };
  for (const Form& form :
       {Form{"codes on chunks", "row of a node with chunks", ParamsOf(9000, QUIVER_METRIC_L2, 8),
             30},
        Form{"vector on chunks", "row of a node with its vector on chunks",
             ParamsOf(2600, QUIVER_METRIC_COSINE, 16, QUIVER_STORAGE_FLOAT32), 30},
        Form{"L1", "row of an L1 node", ParamsOf(300, QUIVER_METRIC_L1, 4), 40},
        Form{"L1 on chunks", "row of an L1 node with chunks", ParamsOf(5000, QUIVER_METRIC_L1, 4),
             30},
        Form{"bits", "row of a node of bits", ParamsOf(1200, QUIVER_METRIC_HAMMING, 4), 80},
        Form{"long bits", "row of a node of long bits", ParamsOf(30000, QUIVER_METRIC_JACCARD, 4),
             30},
        Form{"sparse", "row of a sparse node", SparseParamsOf(9000, QUIVER_METRIC_IP, 4), 40}}) {
    std::vector<Value> rows = Mixture(form.params, form.count + 1);
    // A sparse one with chunks is inserted.
    const Value last = rows.back();
    rows.pop_back();
    const auto make = [params = form.params, rows] { return GraphOf(params, rows); };
    // Row numbers decide the level: one on an upper layer too.
    uint32_t upper = form.count;
    while (SplitMix64(upper).Next() >> 59 != 0) upper++;
    for (const uint32_t row : {form.count, upper})
      cases->push_back({form.name, make,
                        [row, last](MemoryIndex* index, MemoryStore* store) {
                          return index->InsertWith(store, row, last);
                        },
                        form.count, row + 1});
    cases->push_back({form.twin, make,
                      [row = form.count, twin = rows[2]](MemoryIndex* index, MemoryStore* store) {
                        return index->InsertWith(store, row, twin);
                      },
                      form.count, form.count + 1});
  }
}

std::vector<Case> Cases() {
  const auto insert = [](uint32_t row, Vector vector) {
    return [row, vector](MemoryIndex* index, MemoryStore* store) {
      return index->InsertWith(store, row, vector);
    };
  };
  const Vector fresh = GaussianVectors(72, 1, 300)[0];
  std::vector<Case> cases;
  cases.push_back({"first row", [] { return Grown(300, 2, {}); }, insert(0, fresh), 0, 1});
  cases.push_back(
      {"list grows", [] { return Grown(300, 9, SomeRows(12)); }, insert(12, fresh), 12, 13});
  // 12 entries of 624 bytes a page: the 25th closes a list of two pages and begins the graph.
  cases.push_back(
      {"list closes", [] { return Grown(300, 2, SomeRows(26)); }, insert(26, fresh), 26, 27});
  cases.push_back(
      {"list drains", [] { return Grown(300, 2, SomeRows(30)); }, insert(30, fresh), 30, 31});
  cases.push_back(
      {"list ends", [] { return Grown(300, 2, SomeRows(33)); }, insert(33, fresh), 33, 34});
  cases.push_back(
      {"graph", [] { return Grown(300, 1, SomeRows(200)); }, insert(200, fresh), 200, 201});
  cases.push_back({"second row of a node", [] { return Grown(300, 1, SomeRows(100)); },
                   insert(100, SomeRows(1)[0]), 100, 101});
  cases.push_back({"first posting page", [] { return Grown(300, 1, WithDuplicates(100, 1)); },
                   insert(101, SomeRows(1)[0]), 101, 102});
  cases.push_back(
      {"next posting page", [] { return Grown(300, 1, WithDuplicates(60, kPostingsPerPage + 1)); },
       insert(61 + kPostingsPerPage, SomeRows(1)[0]), static_cast<uint32_t>(61 + kPostingsPerPage),
       static_cast<uint32_t>(62 + kPostingsPerPage)});
  cases.push_back({"NULL", [] { return Grown(300, 1, SomeRows(40)); }, insert(40, {}), 40, 41});
  // Row 44 gets on the upper layers: checked below.
  cases.push_back({"vacuum", [] { return Grown(300, 2, WithDuplicates(60, 20)); },
                   [](MemoryIndex* index, MemoryStore* store) {
                     return index->Delete([](uint32_t row) { return row >= 50; }, nullptr, store);
                   },
                   50, 80});
  const auto repair = [](MemoryIndex* index, MemoryStore* store) {
    return index->Cleanup(nullptr, store);
  };
  const auto lose = [](std::unique_ptr<MemoryIndex> index, uint32_t first) {
    EXPECT_EQ(Describe(index->Delete([=](uint32_t row) { return row >= first; })), "");
    return index;
  };
  cases.push_back(
      {"repair", [=] { return lose(Grown(300, 1, SomeRows(90)), 50); }, repair, 50, 50});
  cases.push_back(
      {"repair of everything", [=] { return lose(Grown(300, 1, SomeRows(60)), 0); }, repair, 0, 0});
  cases.push_back({"a chain that shrinks",
                   [] { return Grown(300, 1, WithDuplicates(60, kPostingsPerPage + 5)); },
                   [](MemoryIndex* index, MemoryStore* store) {
                     return index->Delete([](uint32_t row) { return row >= 60; }, nullptr, store);
                   },
                   60, static_cast<uint32_t>(65 + kPostingsPerPage)});
  cases.push_back({"into a freed place",
                   [=] {
                     auto index = lose(Grown(300, 1, SomeRows(90)), 50);
                     EXPECT_EQ(Describe(index->Cleanup()), "");
                     return index;
                   },
                   insert(100, fresh), 50, 101});
  for (const QuiverIndexParams& params :
       {ParamsOf(9000, QUIVER_METRIC_L2, 8), SparseParamsOf(9000, QUIVER_METRIC_IP, 4),
        ParamsOf(5000, QUIVER_METRIC_L1, 4)}) {
    std::vector<Value> rows = Mixture(params, 31);
    const Value last = rows.back();
    rows.pop_back();
    cases.push_back({"repair of nodes with chunks", [=] { return lose(GraphOf(params, rows), 20); },
                     repair, 20, 20});
    cases.push_back({"into a freed place with chunks",
                     [=] {
                       auto index = lose(GraphOf(params, rows), 20);
                       EXPECT_EQ(Describe(index->Cleanup()), "");
                       return index;
                     },
                     [last](MemoryIndex* index, MemoryStore* store) {
                       return index->InsertWith(store, 40, last);
                     },
                     20, 41});
  }
  AddForms(&cases);
  return cases;
}

// Rows 0 .. kept - 1 once, none twice, none that never was; then the index still
// takes rows and gives them up.
void ExpectSound(MemoryIndex* index, const Case& tried, const std::string& what) {
  const Value query = RandomValues(index->params(), 73, 1)[0];
  for (const bool ordered : {true, false}) {
    const std::vector<Hit> hits =
        ordered ? index->Search(query, OptionsOf(10)) : index->Everything();
    std::map<uint32_t, int> times;
    for (const Hit& hit : hits) times[hit.row]++;
    for (const auto& [row, count] : times) {
      ASSERT_EQ(count, 1) << what << ", row " << row;
      ASSERT_LT(row, tried.optional) << what;
    }
    for (uint32_t row = 0; row < tried.kept; row++)
      ASSERT_EQ(times.count(row), 1u) << what << ", row " << row;
  }
  ExpectSound(index, what);
}

void ExpectStillWorks(MemoryIndex* index, const Case& tried, const std::string& what) {
  const std::vector<Value> more = Mixture(index->params(), 3);
  const uint32_t first = 5000;
  for (uint32_t i = 0; i < more.size(); i++)
    ASSERT_EQ(Describe(index->Insert(first + i, more[i])), "") << what;
  ASSERT_EQ(Describe(index->Insert(first + 3, more[0])), "") << what;
  ASSERT_EQ(Describe(index->Vacuum([&](uint32_t row) { return row < first && row >= tried.kept; })),
            "")
      << what;
  std::vector<uint32_t> expected = RowsUpTo(tried.kept);
  for (uint32_t i = 0; i < 4; i++) expected.push_back(first + i);
  ExpectRowsOnce(index->Search(more[0], OptionsOf(10)), expected, what);
  ExpectSound(index, what);
}

TEST(Faults, EveryCallbackFailsOnce) {
  for (const Case& tried : Cases()) {
    const std::unique_ptr<MemoryIndex> start = tried.make();
    uint64_t calls = 0;
    {
      MemoryIndex index(*start);
      MemoryStore store(index.file());
      ASSERT_EQ(Describe(tried.operate(&index, &store)), "") << tried.name;
      calls = store.calls();
    }
    // Long operations are sampled from a stride that is no multiple of anything.
    const uint64_t stride = calls / 80 + 1;
    for (uint64_t n = 1; n <= calls; n += stride) {
      const std::string what = std::string(tried.name) + ", call " + std::to_string(n);
      MemoryIndex index(*start);
      {
        MemoryStore store(index.file());
        store.FailAt(n);
        const std::optional<QuiverError> error = tried.operate(&index, &store);
        ASSERT_TRUE(error.has_value()) << what;
        ASSERT_EQ(error->detail, kInjected) << what;
      }
      ExpectSound(&index, tried, what);
      if (n % 3 == 0) ExpectStillWorks(&index, tried, what);
      if (HasFailure()) return;
    }
  }
}

TEST(Faults, CrashAfterEveryRecord) {
  for (const Case& tried : Cases()) {
    const std::unique_ptr<MemoryIndex> start = tried.make();
    MemoryIndex index(*start);
    std::vector<std::unique_ptr<MemoryFile>> images;
    {
      MemoryStore store(index.file());
      store.set_after_commit(
          [&] { images.push_back(std::make_unique<MemoryFile>(*index.file())); });
      ASSERT_EQ(Describe(tried.operate(&index, &store)), "") << tried.name;
    }
    ASSERT_FALSE(images.empty()) << tried.name;
    for (size_t i = 0; i < images.size(); i++) {
      MemoryIndex recovered(*images[i], index.params());
      const std::string what = std::string(tried.name) + ", record " + std::to_string(i);
      ExpectSound(&recovered, tried, what);
      ExpectStillWorks(&recovered, tried, what);
      if (HasFailure()) return;
    }
  }
}

// A crash between extension and first record leaves a page of zeros, wherever.
TEST(Faults, ZeroPagesAreHarmless) {
  const std::unique_ptr<MemoryIndex> index = Grown(300, 2, SomeRows(20));
  for (uint32_t i = 20; i < 120; i++) {
    if (i % 5 == 0) index->file()->Extend();
    ASSERT_EQ(Describe(index->Insert(i, GaussianVectors(i, 1, 300)[0])), "");
  }
  ExpectRowsOnce(index->Search(SomeRows(1)[0], OptionsOf(10)), RowsUpTo(120), "zero pages");
  ExpectRowsOnce(index->Everything(), RowsUpTo(120), "zero pages");
  QuiverVacuumStats stats = {};
  ASSERT_EQ(Describe(index->Delete([](uint32_t row) { return row < 60; }, &stats)), "");
  EXPECT_EQ(stats.removed, 60u);
}

// A scan fails at every callback and leaves nothing locked (the store checks).
TEST(Faults, EveryCallbackOfAScan) {
  const std::unique_ptr<MemoryIndex> index = Grown(300, 2, WithDuplicates(60, 20));
  const Vector query = GaussianVectors(73, 1, 300)[0];
  uint64_t n = 1;
  for (;; n++) {
    Cursor cursor(index->file(), index->index(), OptionsOf(10), &query);
    cursor.store().FailAt(n);
    while (cursor.Next().has_value()) continue;
    if (!cursor.error().has_value()) break;
    ASSERT_EQ(cursor.error()->detail, kInjected);
  }
  EXPECT_GT(n, 100u);
}

// Building fails at any callback too; sampled, there are many.
TEST(Faults, EveryCallbackOfABuild) {
  const std::vector<Value> values = ValuesOf(GaussianVectors(75, 700, 1500));
  const QuiverIndexParams params = ParamsOf(1500);
  uint64_t n = 1;
  for (;; n = n * 3 / 2 + 1) {
    MemoryFile none;
    MemoryStore store(&none);
    store.FailAt(n);
    const std::optional<QuiverError> error = store.Run([&] {
      QuiverBuild* build = quiver_build_begin(store.callbacks(), &params);
      for (uint32_t i = 0; i < values.size(); i++) {
        const QuiverValue value = values[i].view();
        quiver_build_add(build, TidOf(i), &value);
      }
      quiver_build_link(build, nullptr, nullptr);
      quiver_build_write(
          build, [](void*, uint32_t, const uint8_t*) {}, nullptr);
    });
    if (!error.has_value()) break;
    ASSERT_EQ(error->detail, kInjected);
  }
  EXPECT_GT(n, 1000u);
}

}  // namespace
}  // namespace quiver::fakes
