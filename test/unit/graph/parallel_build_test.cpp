// Builds by several threads: the index has every row once and is sound in every form, rows of one
// vector share a node, recall is that of a build alone; memory is given back; who fails ends all.
#include "graph/building_together.h"

namespace quiver::fakes {
namespace {

std::unique_ptr<MemoryIndex> BuiltBy(int participants, const QuiverIndexParams& params,
                                     const std::vector<Value>& rows) {
  Together together(params, participants);
  MemoryFile file;
  const Errors errors = together.Build(rows, &file);
  for (const std::optional<QuiverError>& error : errors) EXPECT_EQ(Describe(error), "");
  return std::make_unique<MemoryIndex>(file, params);
}

// ------------------------------------------------------------------ every form

struct Shape {
  QuiverIndexParams params;
  uint32_t count;
};

class ParallelBuild : public ::testing::TestWithParam<Shape> {};

// Duplicates, zeros and NULLs among them.
TEST_P(ParallelBuild, HasEveryRowOnceAndIsSound) {
  const uint64_t seed = 811;
  printf("seed %lu\n", seed);
  const QuiverIndexParams& params = GetParam().params;
  const uint32_t count = GetParam().count;
  std::vector<Value> rows = RandomValues(params, seed, count);
  uint32_t nulls = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (i % 9 == 5) rows[i] = rows[i % 4];
    if (i % 50 == 49) rows[i] = ZeroValue(params.form, params.dim);
    if (i % 11 == 10) rows[i] = {};
    nulls += rows[i].is_null() ? 1 : 0;
  }
  Together together(params, 3);
  MemoryFile file;
  const Errors errors = together.Build(rows, &file);
  for (const std::optional<QuiverError>& error : errors) ASSERT_EQ(Describe(error), "");
  ASSERT_TRUE(together.linked());
  EXPECT_EQ(together.space()->held(RegionOf(SpaceRegion::kRows)), 0u);
  EXPECT_EQ(together.space()->held(RegionOf(SpaceRegion::kLoose)), 0u);

  MemoryIndex index(file, params);
  ExpectSound(&index, "built by three");
  ExpectRowsOnce(index.Everything(), RowsUpTo(count), "without order");
  const std::vector<Hit> hits = index.Search(rows[0], OptionsOf());
  ExpectRowsOnce(hits, RowsUpTo(count), "by distance");
  ExpectKindsInOrder(hits, "by distance");
  EXPECT_EQ(std::count_if(hits.begin(), hits.end(),
                          [](const Hit& hit) { return hit.kind == QUIVER_ROW_NULL; }),
            nulls);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, ParallelBuild,
    ::testing::Values(Shape{ParamsOf(200, QUIVER_METRIC_L2), 1800},
                      Shape{ParamsOf(200, QUIVER_METRIC_IP), 1800},
                      Shape{ParamsOf(200, QUIVER_METRIC_COSINE), 1800},
                      Shape{ParamsOf(200, QUIVER_METRIC_L1), 1800},
                      Shape{ParamsOf(1500, QUIVER_METRIC_L2, 16, QUIVER_STORAGE_FLOAT32), 700},
                      Shape{ParamsOf(1024, QUIVER_METRIC_HAMMING), 4000},
                      Shape{ParamsOf(1024, QUIVER_METRIC_JACCARD), 4000},
                      Shape{ParamsOf(4096, QUIVER_METRIC_HAMMING), 1500},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_L2), 2000},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_IP), 2000},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_COSINE), 2000},
                      Shape{SparseParamsOf(5000, QUIVER_METRIC_L1), 2000}),
    [](const ::testing::TestParamInfo<Shape>& info) {
      std::string name = NameOf(info.param.params);
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

// ------------------------------------------------------------------ equal rows

uint32_t BottomNodes(MemoryIndex* index) {
  return static_cast<uint32_t>(index->Verify().Figure("bottom nodes"));
}

TEST(ParallelBuildTwins, OneNodeForEachVector) {
  constexpr uint32_t kDifferent = 900;
  constexpr uint32_t kRows = 4500;
  const uint64_t seed = 821;
  printf("seed %lu\n", seed);
  const std::vector<Value> different = ValuesOf(GaussianVectors(seed, kDifferent, 700));
  // Equal ones follow each other, so that all participants have them at once.
  std::vector<Value> rows;
  for (uint32_t i = 0; i < kRows; i++) rows.push_back(different[i / (kRows / kDifferent)]);
  for (const int participants : {2, 4}) {
    const std::unique_ptr<MemoryIndex> index = BuiltBy(participants, ParamsOf(700), rows);
    EXPECT_EQ(BottomNodes(index.get()), kDifferent);
    ExpectSound(index.get(), "equal rows");
    ExpectRowsOnce(index->Everything(), RowsUpTo(kRows), "equal rows");
  }
}

TEST(ParallelBuildTwins, OneVectorOnly) {
  constexpr uint32_t kRows = 20000;
  const std::vector<Value> rows(kRows, GaussianVectors(823, 1, 64)[0]);
  const std::unique_ptr<MemoryIndex> index = BuiltBy(4, ParamsOf(64), rows);
  EXPECT_EQ(BottomNodes(index.get()), 1u);
  ExpectSound(index.get(), "one vector");
  ExpectRowsOnce(index->Everything(), RowsUpTo(kRows), "one vector");
}

TEST(ParallelBuildTwins, HashesThatCollide) {
  SharedSpace memory;
  MemoryFile none;
  MemoryStore store(&none);
  ASSERT_EQ(store.Run([&] {
    const BuildSpace space(store.callbacks(), memory.callbacks());
    TwinTable table(space);
    table.Create(TwinTable::CellsFor(10));
    const uint64_t cells = TwinTable::CellsFor(10);
    const uint64_t hashes[] = {0, cells - 1, 2 * cells - 1, UINT64_MAX, 0, cells - 1};
    for (uint32_t i = 0; i < 6; i++) {
      TwinTable::Walk walk(table, hashes[i]);
      std::vector<uint32_t> met;
      for (NodePointer node = walk.Next(); node.valid(); node = walk.Next()) {
        met.push_back(node.number);
        EXPECT_EQ(node.generation, node.number + 1);
      }
      walk.Fill({i, static_cast<uint16_t>(i + 1)});
      EXPECT_EQ(met, i < 4 ? std::vector<uint32_t>{} : std::vector<uint32_t>{i - 4});
    }
    // A row that got no node of its own leaves others of its hash alone.
    TwinTable::Walk first(table, 7);
    EXPECT_FALSE(first.Next().valid());
    first.Fill(NodePointer{});
    TwinTable::Walk second(table, 7);
    EXPECT_FALSE(second.Next().valid());
    second.Fill({70, 7});
    TwinTable::Walk third(table, 7);
    EXPECT_EQ(third.Next().number, 70u);
  }),
            std::nullopt);
}

// ------------------------------------------------------------------- odd shapes

TEST(ParallelBuildShapes, NullsMostly) {
  std::vector<Value> rows(20000);
  const std::vector<Value> some = ValuesOf(GaussianVectors(831, 2000, 200));
  for (size_t i = 0; i < some.size(); i++) rows[10 * i] = some[i];
  const std::unique_ptr<MemoryIndex> index = BuiltBy(3, ParamsOf(200), rows);
  ExpectSound(index.get(), "nulls");
  ExpectRowsOnce(index->Everything(), RowsUpTo(20000), "nulls");
}

TEST(ParallelBuildShapes, FewRowsMakeAList) {
  for (const uint32_t count : {0u, 1u, 500u}) {
    Together together(ParamsOf(40), 3);
    MemoryFile file;
    const std::vector<Value> rows = ValuesOf(GaussianVectors(833, count, 40));
    ASSERT_FALSE(Together::Failed(together.Build(rows, &file)));
    EXPECT_FALSE(together.linked());
    MemoryIndex index(file, ParamsOf(40));
    EXPECT_EQ(index.partition().state, PartitionState::kList);
    ExpectSound(&index, "a list");
    ExpectRowsOnce(index.Everything(), RowsUpTo(count), "a list");
  }
}

// With one participant nothing depends on who is faster.
TEST(ParallelBuildShapes, OneParticipantMakesTheIndexOfABuildAlone) {
  for (const QuiverIndexParams& params : {ParamsOf(200), SparseParamsOf(3000)}) {
    const std::vector<Value> rows = RandomValues(params, 835, 1500);
    Together together(params, 1);
    MemoryFile file;
    ASSERT_FALSE(Together::Failed(together.Build(rows, &file)));
    MemoryIndex alone(params, rows);
    ASSERT_EQ(file.block_count(), alone.file()->block_count());
    for (uint32_t block = 0; block < file.block_count(); block++)
      ASSERT_EQ(file.Copy(block), alone.file()->Copy(block)) << "block " << block;
  }
}

TEST(ParallelBuildShapes, LocksLeaveNoTrace) {
  const std::unique_ptr<MemoryIndex> index =
      BuiltBy(3, ParamsOf(200), ValuesOf(GaussianVectors(837, 1500, 200)));
  for (uint32_t block = 0; block < index->file()->block_count(); block++) {
    const std::vector<uint8_t> page = index->file()->Copy(block);
    ASSERT_EQ(*PageAt<uint64_t>(page.data(), 0), 0u) << "block " << block;
  }
}

// --------------------------------------------------------------------- recall

TEST(ParallelBuildRecall, AsOfABuildAlone) {
  for (const QuiverMetric metric : {QUIVER_METRIC_L2, QUIVER_METRIC_IP}) {
    const std::vector<Vector> all = ClusteredVectors(841, 5400, 100, 50, 0.4);
    const std::vector<Value> rows = ValuesOf({all.begin(), all.begin() + 5000});
    const std::vector<Value> queries = ValuesOf({all.begin() + 5000, all.end()});
    const QuiverIndexParams params = ParamsOf(100, metric);
    MemoryIndex alone(params, rows);
    const double serial = Recall(&alone, rows, queries, 20);
    const std::unique_ptr<MemoryIndex> index = BuiltBy(4, params, rows);
    const double parallel = Recall(index.get(), rows, queries, 20);
    printf("%s: recall@10 at ef 20: alone %.4f, by four %.4f\n", NameOf(metric).c_str(), serial,
           parallel);
    EXPECT_GE(parallel, serial - 0.005) << NameOf(metric);
  }
}

// --------------------------------------------------------------------- errors

TEST(ParallelBuildErrors, WithoutMemory) {
  const std::vector<Value> rows = ValuesOf(GaussianVectors(851, 700, 1500));
  const QuiverIndexParams params = ParamsOf(1500);
  uint64_t n = 1;
  for (;; n++) {
    Together together(params, 1);
    MemoryFile file;
    together.space()->FailAt(n);
    const std::optional<QuiverError> error = together.Build(rows, &file)[0];
    if (!error.has_value()) break;
    ASSERT_EQ(error->code, QUIVER_ERROR_MEMORY) << n;
    ASSERT_EQ(error->value % kSpaceGrain, 0u) << n;
    ASSERT_GT(error->value, 0u) << n;
  }
  // Control, rows, pages, twins.
  EXPECT_GT(n, 4u);
}

// Somebody has left by an error with what others wait for: these are told when they ask.
TEST(ParallelBuildErrors, NobodyWaitsForOneWhoHasLeft) {
  static constexpr QuiverError kTold = {QUIVER_ERROR_INTERNAL, 0, -1, "told", 0};
  SharedSpace memory;
  MemoryFile none;
  MemoryStore store(&none);
  PageControl control = {};
  const BuildSpace space(store.callbacks(), memory.callbacks());
  const auto expect_told = [&](const std::function<void()>& body, const char* what) {
    const uint64_t before = memory.waits();
    memory.set_at_wait([&memory, &store, before] {
      if (memory.waits() == before + 3) store.callbacks()->fail(store.callbacks()->context, &kTold);
    });
    const std::optional<QuiverError> error = store.Run(body);
    ASSERT_TRUE(error.has_value()) << what;
    EXPECT_EQ(error->detail, kTold.detail) << what;
  };

  expect_told(
      [&] {
        TwinTable table(space);
        table.Create(64);
        TwinTable::Walk first(table, 7);
        EXPECT_FALSE(first.Next().valid());
        TwinTable::Walk(table, 7).Next();
      },
      "a node being made");
  for (const bool exclusive : {true, false})
    expect_told(
        [&] {
          MemoryPages pages(store.callbacks(), space, &control);
          const Store wanted(pages.store());
          QuiverPin pin;
          QuiverPin other;
          wanted.Extend(QUIVER_INVALID_BLOCK, &pin);
          if (exclusive)
            wanted.Lock(pin.block, &other);
          else
            wanted.Read(pin.block, &other);
        },
        exclusive ? "a page, to write" : "a page, to read");
  expect_told(
      [&] {
        control.extending = 1;
        MemoryPages pages(store.callbacks(), space, &control);
        QuiverPin pin;
        Store(pages.store()).Extend(QUIVER_INVALID_BLOCK, &pin);
      },
      "the end of the pages");
}

// Readers share a page, a writer waits for them, and new readers for the writer.
TEST(ParallelBuildLocks, ReadersAndWriters) {
  SharedSpace memory;
  MemoryFile none;
  MemoryStore store(&none);
  const BuildSpace space(store.callbacks(), memory.callbacks());
  uint32_t word = 0;
  const PageLock lock(&word);
  lock.Share(space);
  lock.Share(space);
  std::atomic<int> wrote = 0;
  std::atomic<int> read = 0;
  std::thread writer([&] {
    lock.Lock(space);
    EXPECT_EQ(read, 0);
    wrote = 1;
    lock.Unlock();
  });
  while (memory.waits() < 100) std::this_thread::yield();
  std::thread reader([&] {
    lock.Share(space);
    EXPECT_EQ(wrote, 1);
    read = 1;
    lock.Unshare();
  });
  const uint64_t waits = memory.waits();
  while (memory.waits() < waits + 1000) std::this_thread::yield();
  EXPECT_EQ(wrote, 0);
  EXPECT_EQ(read, 0);
  lock.Unshare();
  EXPECT_EQ(wrote, 0);
  lock.Unshare();
  writer.join();
  reader.join();
  EXPECT_EQ(word, 0u);
}

TEST(ParallelBuildLocks, CountUnderContention) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20000;
  SharedSpace memory;
  MemoryFile none;
  MemoryStore store(&none);
  const BuildSpace space(store.callbacks(), memory.callbacks());
  uint32_t word = 0;
  const PageLock lock(&word);
  uint64_t count = 0;  // no atomic: the lock orders it
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++)
    threads.emplace_back([&] {
      for (int j = 0; j < kRounds; j++) {
        lock.Share(space);
        const uint64_t seen = count;
        lock.Unshare();
        lock.Lock(space);
        EXPECT_GE(count, seen);
        count++;
        lock.Unlock();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, uint64_t{kThreads} * kRounds);
  EXPECT_EQ(word, 0u);
}

// -------------------------------------------------------------------- 64 bits

TEST(ParallelBuildSizes, PagesAtTheEnds) {
  SharedSpace memory;
  MemoryFile none;
  MemoryStore store(&none);
  PageControl control = {};
  std::optional<QuiverError> error = store.Run([&] {
    const BuildSpace space(store.callbacks(), memory.callbacks());
    MemoryPages pages(store.callbacks(), space, &control);
    const Store wanted(pages.store());
    // At 16 TB, past what 31 and 32 bits of bytes or of pages could count.
    for (const uint32_t block : {0x7FFFF800u, 0x80000000u, 0xFFFFF800u}) {
      control.count = block;
      QuiverPin pin;
      uint8_t* page = const_cast<uint8_t*>(wanted.Extend(QUIVER_INVALID_BLOCK, &pin));
      EXPECT_EQ(pin.block, block);
      EXPECT_EQ(control.count, block + 1);
      EXPECT_EQ(static_cast<void*>(page),
                memory.callbacks()->map(
                    memory.callbacks()->context,
                    SpaceOffset(SpaceRegion::kPages, 0, 0) + uint64_t{block} * kPageBytes,
                    2048 * kPageBytes));
      wanted.Release(&pin);
    }
    control.count = QUIVER_INVALID_BLOCK - 1;
    QuiverPin pin;
    wanted.Extend(QUIVER_INVALID_BLOCK, &pin);
  });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, QUIVER_ERROR_LIMIT);
}

TEST(ParallelBuildSizes, RegionsDoNotMeet) {
  EXPECT_LT(SpaceOffset(SpaceRegion::kPages, (uint64_t{1} << 32) / 2048 - 1, 2048 * kPageBytes),
            SpaceOffset(SpaceRegion::kTwins, 0, 0));
  EXPECT_EQ(
      SpaceOffset(SpaceRegion::kRows, 0x40000000 - 1, VectorChunks::kBytes) + VectorChunks::kBytes,
      SpaceOffset(SpaceRegion::kLoose, 0, 0));
  EXPECT_EQ(TwinTable::CellsFor(0), 64u);
  EXPECT_EQ(TwinTable::CellsFor(uint64_t{1} << 32), uint64_t{1} << 33);
  EXPECT_EQ(TwinTable::CellsFor((uint64_t{1} << 32) + 1), uint64_t{1} << 34);
  EXPECT_EQ(TwinTable::BytesFor(uint64_t{1} << 33), uint64_t{16} << 33);
  EXPECT_EQ(GrainsOf(1), kSpaceGrain);
  EXPECT_EQ(GrainsOf(kSpaceGrain), kSpaceGrain);
}

}  // namespace
}  // namespace quiver::fakes
