// The gaps between two records that docs/wal-and-recovery.md lists, by name: what a
// crash leaves in each is what the document says, and what comes after it too.
#include <bit>
#include <cmath>
#include <tuple>

#include "base/random.h"
#include "fakes/crash_disk.h"
#include "graph/index_testing.h"
#include "page/chunk.h"
#include "page/list_page.h"
#include "page/node.h"

namespace quiver::fakes {
namespace {

constexpr uint32_t kRows = 90;

using Operation = std::function<std::optional<QuiverError>(MemoryIndex*, MemoryStore*)>;

// What is left after each record of an operation.
std::vector<std::unique_ptr<MemoryFile>> AfterEachRecord(const MemoryIndex& start,
                                                         const Operation& operation) {
  std::vector<std::unique_ptr<MemoryFile>> images;
  MemoryIndex index(start);
  MemoryStore store(index.file());
  store.set_after_commit([&] { images.push_back(std::make_unique<MemoryFile>(*index.file())); });
  EXPECT_EQ(Describe(operation(&index, &store)), "");
  EXPECT_FALSE(images.empty());
  return images;
}

// What is left before those records that the file has grown for.
class ZeroPageLog : public PageLog {
 public:
  explicit ZeroPageLog(MemoryFile* file) : file_(file), blocks_(file->block_count()) {
    file_->set_log(this);
  }
  ~ZeroPageLog() override { file_->set_log(nullptr); }
  void BeforeRecord() override {
    if (file_->block_count() > blocks_) images.push_back(std::make_unique<MemoryFile>(*file_));
    blocks_ = file_->block_count();
  }
  void Record(const std::vector<RecordPage>& /*pages*/) override {}
  bool Hints(uint32_t /*block*/) override { return false; }

  std::vector<std::unique_ptr<MemoryFile>> images;

 private:
  MemoryFile* file_;
  uint32_t blocks_;
};

// The first row from `first` on that gets on layer `level`, and no higher one.
uint32_t RowOfLevel(uint32_t first, int level) {
  for (uint32_t row = first;; row++)
    if (std::min(std::countl_zero(SplitMix64(row).Next() | 1) / 5, 12) == level) return row;
}

Operation InsertOf(uint32_t row, const Value& value) {
  return [row, value](MemoryIndex* index, MemoryStore* store) {
    return index->InsertWith(store, row, value);
  };
}

// Calls see(pointer, node) for each node in use of a kind of page.
template <class See>
void ForNodes(const MemoryIndex& index, PageKind kind, const See& see) {
  auto* file = const_cast<MemoryIndex&>(index).file();
  for (const uint32_t block : index.PagesOf(kind)) {
    const std::vector<uint8_t> page = file->Copy(block);
    for (uint32_t slot = 0; slot < index.layout().nodes_per_page; slot++) {
      const ConstNode node(page.data(), index.layout(), slot);
      if (!node.in_use()) continue;
      see(NodePointer{index.layout().NumberOf(block, slot), node.pointer_generation()}, node);
    }
  }
}

// The bottom node with a row in its head; none where it is not there.
NodePointer NodeOf(const MemoryIndex& index, uint32_t row) {
  NodePointer found;
  ForNodes(index, PageKind::kNode, [&](NodePointer at, const ConstNode& node) {
    for (uint32_t i = 0; i < node.posting_count(); i++)
      if (RowOf(node.head().postings[i].tid()) == row) found = at;
  });
  return found;
}

uint32_t NeighborsOf(const MemoryIndex& index, NodePointer of) {
  uint32_t count = 0;
  ForNodes(index, PageKind::kNode, [&](NodePointer at, const ConstNode& node) {
    if (at.number == of.number) count = node.slot_count();
  });
  return count;
}

size_t LinksTo(const MemoryIndex& index, NodePointer to) {
  size_t count = 0;
  ForNodes(index, PageKind::kNode, [&](NodePointer, const ConstNode& node) {
    for (uint32_t i = 0; i < node.slot_count(); i++)
      count += node.neighbor(i).number == to.number && node.neighbor(i).generation == to.generation;
  });
  return count;
}

// The entry point leads to a node in use of its level, or there is no node.
void ExpectEntry(const MemoryIndex& index, const std::string& what) {
  const Partition partition = index.partition();
  size_t nodes = 0;
  bool there = false;
  for (const PageKind kind : {PageKind::kNode, PageKind::kUpper})
    ForNodes(index, kind, [&](NodePointer at, const ConstNode& node) {
      nodes++;
      there |= at.number == partition.entry_number && at.generation == partition.entry_generation &&
               node.head().level == partition.entry_level;
    });
  EXPECT_EQ(there, partition.entry().valid()) << what;
  EXPECT_EQ(nodes > 0, partition.entry().valid()) << what;
}

// Shapes of nodes: on one page, with chunk pages, without codes, of bits, sparse.
class CrashGaps : public ::testing::TestWithParam<QuiverIndexParams> {
 protected:
  CrashGaps() : index_(GetParam()) {
    values_ = GetParam().form == QUIVER_FORM_SPARSE
                  ? SparseVectors(701, kRows + 60, GetParam().dim, {20, 50, 1500, 3000}, 100)
                  : RandomValues(GetParam(), 701, kRows + 60);
    index_.SetListLimit(1);
    index_.InsertAll<Value>({values_.begin(), values_.begin() + kRows});
    EXPECT_EQ(index_.partition().state, PartitionState::kGraph);
  }

  // Just these, at their distances.
  void ExpectRows(MemoryIndex* index, const std::map<uint32_t, Value>& expected,
                  const std::string& what) {
    const std::vector<uint32_t> rows = Keys(expected);
    const Value& query = values_.back();
    const std::vector<Hit> hits = index->Search(query, OptionsOf(10));
    ExpectRowsOnce(hits, rows, what + ", by distance");
    ExpectRowsOnce(index->Everything(), rows, what + ", without order");
    for (const Hit& hit : hits) {
      if (expected.count(hit.row) == 0 || hit.kind != QUIVER_ROW_DISTANCE) continue;
      const double exact = ExactDistance(GetParam().metric, expected.at(hit.row), query);
      EXPECT_NEAR(hit.distance, exact, 1e-2 * std::abs(exact) + 1e-3)
          << what << ", row " << hit.row;
    }
    ExpectSound(index, what);
  }
  static std::vector<uint32_t> Keys(const std::map<uint32_t, Value>& rows) {
    std::vector<uint32_t> keys;
    for (const auto& [row, value] : rows) keys.push_back(row);
    return keys;
  }
  static bool IsNew(MemoryIndex* index, uint32_t block) {
    return IsNewPage(index->file()->Copy(block).data());
  }
  std::map<uint32_t, Value> All() const {
    std::map<uint32_t, Value> all;
    for (uint32_t row = 0; row < kRows; row++) all[row] = values_[row];
    return all;
  }

  std::vector<Value> values_;
  MemoryIndex index_;
};

TEST_P(CrashGaps, BetweenTheNodeAndEachBackLink) {
  const uint32_t fresh = RowOfLevel(kRows, 0);
  const Value& value = values_[kRows];
  const auto images = AfterEachRecord(index_, InsertOf(fresh, value));
  const MemoryIndex end(*images.back(), GetParam());
  const NodePointer at = NodeOf(end, fresh);
  ASSERT_TRUE(at.valid());
  size_t before = 0;
  size_t gaps = 0;
  bool there = false;
  for (size_t i = 0; i < images.size(); i++) {
    const std::string what = "record " + std::to_string(i);
    MemoryIndex index(*images[i], GetParam());
    std::map<uint32_t, Value> rows = All();
    if (!NodeOf(index, fresh).valid()) {
      // Its chunk pages are being written.
      ASSERT_FALSE(there) << what;
      ExpectRows(&index, rows, what);
      continue;
    }
    // Whole, but for those who are to point to it.
    const size_t links = LinksTo(index, at);
    if (!there) {
      EXPECT_EQ(links, 0u) << what;
    }
    there = true;
    EXPECT_EQ(NeighborsOf(index, at), NeighborsOf(end, at)) << what;
    EXPECT_GE(links, before) << what;
    before = links;
    gaps += links < LinksTo(end, at) ? 1 : 0;
    rows[fresh] = value;
    ExpectRows(&index, rows, what);
    // Nothing is owed to it: a twin of it, and one near it, find their places.
    ASSERT_EQ(Describe(index.Insert(fresh + 1, value)), "") << what;
    ASSERT_EQ(Describe(index.Insert(fresh + 2, values_[kRows + 1])), "") << what;
    rows[fresh + 1] = value;
    rows[fresh + 2] = values_[kRows + 1];
    ExpectRows(&index, rows, what + ", later");
    // Its transaction was rolled back: vacuum takes it out, with all that points to it.
    rows.erase(fresh);
    rows.erase(fresh + 1);
    ASSERT_EQ(
        Describe(index.Vacuum([&](uint32_t row) { return row == fresh || row == fresh + 1; })), "");
    ExpectRows(&index, rows, what + ", vacuumed");
    EXPECT_EQ(LinksTo(index, at), 0u) << what;
    if (HasFailure()) return;
  }
  EXPECT_GT(gaps, 0u);
  EXPECT_GT(before, 0u);
}

// A layer is opened: the node on it comes before the entry point leads to it.
TEST_P(CrashGaps, BetweenTheNodeAndTheEntryPoint) {
  MemoryIndex start(GetParam());
  start.SetListLimit(1);
  std::map<uint32_t, Value> before;
  for (uint32_t i = 0, row = 0; i < 60; i++, row++) {
    row = RowOfLevel(row, 0);
    ASSERT_EQ(Describe(start.Insert(row, values_[i])), "");
    before[row] = values_[i];
  }
  ASSERT_EQ(start.partition().state, PartitionState::kGraph);
  ASSERT_EQ(start.partition().entry_level, 0);
  const uint32_t fresh = RowOfLevel(1000, 1);
  const auto images = AfterEachRecord(start, InsertOf(fresh, values_[60]));
  size_t gaps = 0;
  for (size_t i = 0; i < images.size(); i++) {
    const std::string what = "record " + std::to_string(i);
    MemoryIndex index(*images[i], GetParam());
    ExpectEntry(index, what);
    std::map<uint32_t, Value> rows = before;
    if (NodeOf(index, fresh).valid()) rows[fresh] = values_[60];
    ExpectRows(&index, rows, what);
    size_t uppers = 0;
    ForNodes(index, PageKind::kUpper, [&](NodePointer, const ConstNode&) { uppers++; });
    if (uppers == 0 || index.partition().entry_level > 0) continue;
    // The next one on that layer does not know it, and becomes the entry point.
    gaps++;
    const uint32_t next = RowOfLevel(fresh + 1, 1);
    ASSERT_EQ(Describe(index.Insert(next, values_[61])), "") << what;
    rows[next] = values_[61];
    EXPECT_EQ(index.partition().entry_level, 1) << what;
    ExpectEntry(index, what);
    ExpectRows(&index, rows, what + ", later");
    if (HasFailure()) return;
  }
  EXPECT_EQ(gaps, 1u);
}

// The first node and the entry point are one record; so nothing is between them.
TEST_P(CrashGaps, BetweenTheFirstNodeAndTheEntryPoint) {
  MemoryIndex start(GetParam());
  start.SetListLimit(1);
  std::vector<std::unique_ptr<MemoryFile>> images;
  size_t rows = 0;
  while (start.partition().state == PartitionState::kList || rows < 3) {
    const auto row = static_cast<uint32_t>(rows++);
    for (auto& image : AfterEachRecord(start, InsertOf(row, values_[row % kRows])))
      images.push_back(std::move(image));
    ASSERT_EQ(Describe(start.Insert(row, values_[row % kRows])), "");
  }
  for (size_t i = 0; i < images.size(); i++)
    ExpectEntry(MemoryIndex(*images[i], GetParam()), "record " + std::to_string(i));
}

// Vacuum moves the entry point before it frees the node that it led to.
TEST_P(CrashGaps, BetweenTheEntryPointAndTheNodeThatIsFreed) {
  MemoryIndex start(index_);
  const std::set<uint32_t> kept = {5, 6, 40};
  const auto dead = [&](uint32_t row) { return kept.count(row) == 0; };
  ASSERT_EQ(Describe(start.Delete(dead)), "");
  const NodePointer entry = start.partition().entry();
  const auto images = AfterEachRecord(
      start, [](MemoryIndex* index, MemoryStore* store) { return index->Cleanup(nullptr, store); });
  std::map<uint32_t, Value> rows;
  for (const uint32_t row : kept) rows[row] = values_[row];
  bool moved = false;
  for (size_t i = 0; i < images.size(); i++) {
    const std::string what = "record " + std::to_string(i);
    MemoryIndex index(*images[i], GetParam());
    ExpectEntry(index, what);
    moved |= index.partition().entry_number != entry.number;
    ExpectRows(&index, rows, what);
    if (HasFailure()) return;
  }
  EXPECT_TRUE(moved);
}

TEST_P(CrashGaps, BetweenTheChunksAndTheirNode) {
  // Into a new place, and into one that vacuum has freed.
  MemoryIndex freed(index_);
  std::map<uint32_t, Value> left = All();
  for (uint32_t row = 1; row < kRows; row += 2) left.erase(row);
  ASSERT_EQ(Describe(freed.Vacuum([](uint32_t row) { return row % 2 == 1; })), "");
  // Of those with chunk pages, if any has.
  uint32_t which = kRows;
  while (which < kRows + 4 && GetParam().form == QUIVER_FORM_SPARSE &&
         values_[which].indices().size() < 3000)
    which++;
  size_t gaps = 0;
  for (const bool reuse : {false, true}) {
    const MemoryIndex& start = reuse ? freed : index_;
    const uint32_t fresh = RowOfLevel(kRows, 0);
    const auto images = AfterEachRecord(start, InsertOf(fresh, values_[which]));
    for (size_t i = 0; i < images.size(); i++) {
      MemoryIndex index(*images[i], GetParam());
      const std::string what =
          std::string(reuse ? "freed place" : "new place") + ", record " + std::to_string(i);
      std::map<uint32_t, Value> rows = reuse ? left : All();
      if (NodeOf(index, fresh).valid()) {
        // With the node comes all of it.
        rows[fresh] = values_[which];
        ExpectRows(&index, rows, what + ", the node's");
        break;
      }
      gaps++;
      ExpectRows(&index, rows, what);
      // Others come to the place, over those chunks or beside them.
      for (uint32_t j = 0; j < 5; j++) {
        ASSERT_EQ(Describe(index.Insert(500 + j, values_[kRows + 5 + j])), "") << what;
        rows[500 + j] = values_[kRows + 5 + j];
      }
      ExpectRows(&index, rows, what + ", later");
      ASSERT_EQ(Describe(index.Vacuum([](uint32_t row) { return row == 0; })), "") << what;
      rows.erase(0);
      ExpectRows(&index, rows, what + ", vacuumed");
      // They are free, whatever node has the number and generation that they name.
      EXPECT_EQ(index.Verify().Figure("pages that belong to nothing"), 0u) << what;
      ASSERT_EQ(Describe(index.Vacuum([](uint32_t) { return true; })), "") << what;
      ExpectSound(&index, what + ", without rows");
      EXPECT_EQ(index.Verify().Figure("pages that belong to nothing"), 0u) << what;
      if (HasFailure()) return;
    }
  }
  const bool chunks = !index_.PagesOf(PageKind::kChunk).empty();
  EXPECT_EQ(gaps > 0, chunks);
}

// True where two chunk pages are the same part of the same node.
bool HasTwinChunks(const MemoryIndex& index) {
  auto* file = const_cast<MemoryIndex&>(index).file();
  std::set<std::tuple<uint32_t, uint32_t, uint16_t>> parts;
  size_t pages = 0;
  for (const uint32_t block : index.PagesOf(PageKind::kChunk)) {
    const std::vector<uint8_t> page = file->Copy(block);
    const ChunkHead& head = *Chunk(page.data());
    parts.emplace(head.number, head.generation, head.part);
    pages++;
  }
  return parts.size() < pages;
}

// The place of a node that never came gets another, of the same generation, beside the
// chunks that were written for the first: these are nobody's.
TEST_P(CrashGaps, ChunksOfANodeThatNeverCame) {
  const auto is_short = [&](uint32_t at) {
    return GetParam().form == QUIVER_FORM_SPARSE && values_[at].indices().size() < 3000;
  };
  uint32_t first = kRows;
  while (is_short(first)) first++;
  uint32_t second = first + 1;
  while (is_short(second)) second++;
  const uint32_t fresh = RowOfLevel(kRows, 0);
  const uint32_t other = RowOfLevel(fresh + 1, 0);
  const auto images = AfterEachRecord(index_, InsertOf(fresh, values_[first]));
  size_t met = 0;
  for (size_t i = 0; i < images.size(); i++) {
    const std::string what = "record " + std::to_string(i);
    MemoryIndex index(*images[i], GetParam());
    if (NodeOf(index, fresh).valid()) break;
    // The node's page has no record; vacuum has told the map.
    for (uint32_t block = 0; block < index.file()->block_count(); block++)
      if (IsNew(&index, block)) index.file()->NoteFree(block);
    ASSERT_EQ(Describe(index.Insert(other, values_[second])), "") << what;
    if (!HasTwinChunks(index)) continue;
    met++;
    std::map<uint32_t, Value> rows = All();
    rows[other] = values_[second];
    ExpectRows(&index, rows, what);
    EXPECT_GT(index.Verify().Figure("pages that belong to nothing"), 0u) << what;
    // Any repair frees them, the node there or not.
    for (const bool there : {true, false}) {
      MemoryIndex repaired(index);
      const uint32_t dead = there ? 0 : other;
      ASSERT_EQ(Describe(repaired.Vacuum([&](uint32_t row) { return row == dead; })), "") << what;
      std::map<uint32_t, Value> left = rows;
      left.erase(dead);
      ExpectRows(&repaired, left, what + ", repaired");
      EXPECT_FALSE(HasTwinChunks(repaired)) << what;
      EXPECT_EQ(repaired.Verify().Figure("pages that belong to nothing"), 0u) << what;
    }
    if (HasFailure()) return;
  }
  EXPECT_EQ(met > 0, !index_.PagesOf(PageKind::kChunk).empty());
}

// The file has grown and the first record on the page is lost: the page is passed
// over, vacuum names it, and the next one who needs a page takes it.
TEST_P(CrashGaps, AllZeroPage) {
  MemoryIndex start(index_);
  std::vector<std::unique_ptr<MemoryFile>> images;
  std::vector<uint32_t> inserted;
  size_t tried = 0;
  {
    // Nodes, upper nodes, chunk pages, pages of further rows and of rows without distance.
    ZeroPageLog log(start.file());
    for (uint32_t i = 0, row = 200; i < 12; i++) {
      row = RowOfLevel(row + 1, static_cast<int>(i % 2));
      const Value value = i == 4 ? Value() : values_[i < 4 ? 0 : kRows + i];
      ASSERT_EQ(Describe(start.Insert(row, value)), "");
      images.swap(log.images);
      for (auto& image : images) {
        const std::string what = "row " + std::to_string(row);
        MemoryIndex index(*image, GetParam());
        const uint32_t zero = image->block_count() - 1;
        std::map<uint32_t, Value> rows = All();
        for (size_t j = 0; j < inserted.size(); j++)
          rows[inserted[j]] = j == 4 ? Value() : values_[j < 4 ? 0 : kRows + j];
        const Verdict verdict = index.Verify();
        EXPECT_GE(verdict.Figure("pages of zeros"), 1u) << what;
        // The page was for what comes after the row.
        if (std::count(verdict.rows.begin(), verdict.rows.end(), row) > 0) rows[row] = value;
        ExpectRowsOnce(index.Everything(), Keys(rows), what);
        ExpectSound(&index, what);
        // Without the map nobody takes it, and nobody minds it.
        ASSERT_EQ(Describe(index.Insert(9000, values_[kRows + 30])), "") << what;
        ASSERT_TRUE(IsNew(&index, zero)) << what;
        ASSERT_EQ(Describe(index.Vacuum([](uint32_t r) { return r == 1; })), "") << what;
        uint32_t more = 0;
        while (IsNew(&index, zero) && more < 40) {
          ASSERT_EQ(Describe(index.Insert(9001 + more, values_[kRows + more])), "") << what;
          more++;
        }
        EXPECT_FALSE(IsNew(&index, zero)) << what;
        rows[9000] = values_[0];
        for (uint32_t j = 0; j < more; j++) rows[9001 + j] = values_[0];
        rows.erase(1);
        ExpectRowsOnce(index.Everything(), Keys(rows), what + ", later");
        ExpectSound(&index, what + ", later");
        if (HasFailure()) return;
        tried++;
      }
      images.clear();
      inserted.push_back(row);
    }
  }
  EXPECT_GT(tried, 2u);
}

// After a crash the map may name anything: pages in use of every kind, those of the
// list, the meta page, blocks beyond the end.
TEST_P(CrashGaps, TheMapNamesPagesInUse) {
  MemoryIndex start(index_);
  for (uint32_t i = 0; i < 6; i++)
    ASSERT_EQ(Describe(start.Insert(300 + i, i % 2 == 0 ? Value() : values_[0])), "");
  ASSERT_EQ(Describe(start.Vacuum([](uint32_t row) { return row > 2 && row < 60; })), "");
  std::map<uint32_t, Value> rows;
  for (uint32_t row = 0; row < kRows; row++)
    if (row <= 2 || row >= 60) rows[row] = values_[row];
  for (uint32_t i = 0; i < 6; i++) rows[300 + i] = i % 2 == 0 ? Value() : values_[0];

  MemoryIndex index(*start.file(), GetParam());
  std::map<uint32_t, PageKind> kinds;
  for (uint32_t block = 0; block < index.file()->block_count() + 20; block++) {
    index.file()->NoteFree(block);
    if (block >= index.file()->block_count()) continue;
    const std::vector<uint8_t> page = index.file()->Copy(block);
    const bool free = IsNewPage(page.data()) || Special(page.data())->kind == PageKind::kFree;
    EXPECT_EQ(quiver_page_is_free(page.data()) != 0, free) << "block " << block;
    if (!free) kinds[block] = Special(page.data())->kind;
  }
  for (uint32_t i = 0; i < 50; i++) {
    // And again, as others do.
    for (const auto& [block, kind] : kinds) index.file()->NoteFree(block);
    const Value value = i % 10 == 0 ? Value() : values_[i % 4 == 0 ? 0 : kRows + i];
    ASSERT_EQ(Describe(index.Insert(400 + i, value)), "");
    rows[400 + i] = value;
  }
  for (const auto& [block, kind] : kinds)
    EXPECT_EQ(Special(index.file()->Copy(block).data())->kind, kind) << "block " << block;
  ExpectRows(&index, rows, "after the inserts");
  ASSERT_EQ(Describe(index.Vacuum([](uint32_t row) { return row >= 400 && row < 425; })), "");
  for (uint32_t i = 0; i < 25; i++) rows.erase(400 + i);
  ExpectRows(&index, rows, "after a vacuum");
}

// An insert on two layers, then the vacuum of a part: recovery from each crash stops
// after each record that it replays, torn pages on the disk, and begins anew.
TEST_P(CrashGaps, DuringRecovery) {
  MemoryIndex index(GetParam());
  index.SetListLimit(1);
  uint32_t few = 0;
  while (few < 30 || index.partition().state != PartitionState::kGraph) {
    ASSERT_EQ(Describe(index.Insert(few, values_[few])), "");
    few++;
  }
  CrashDisk::Options options;
  options.synced_start = true;
  options.checkpoint_in = 1000;
  const uint64_t seed = 711;
  CrashDisk disk(index.file(), seed, options);
  std::set<uint32_t> must;
  for (uint32_t row = 0; row < few; row++) must.insert(row);
  SplitMix64 random(seed);
  std::string failure;
  size_t tried = 0;
  const auto crash = [&] {
    for (uint64_t stop = 0; failure.empty(); stop++) {
      // Every one of the first records, and of the last.
      if (stop > 12 && stop + 12 < disk.records()) continue;
      MemoryFile recovered;
      if (!disk.CrashInRecovery(stop, random.Next(), &recovered, &failure)) break;
      if (!failure.empty()) {
        failure += ", stopped after " + std::to_string(stop);
        break;
      }
      tried++;
      MemoryIndex after(recovered, GetParam());
      std::map<uint32_t, int> times;
      for (const Hit& hit : after.Everything()) times[hit.row]++;
      for (const uint32_t row : must)
        if (times[row] != 1) failure = "row " + std::to_string(row) + " is lost";
    }
  };
  disk.set_crash_point(crash);
  const uint32_t fresh = RowOfLevel(kRows, 1);
  ASSERT_EQ(Describe(index.Insert(fresh, values_[few])), "");
  must = {fresh};
  for (uint32_t row = 0; row < few; row += 3) must.insert(row);
  ASSERT_EQ(Describe(index.Vacuum([&](uint32_t row) { return must.count(row) == 0; })), "");
  crash();
  EXPECT_EQ(failure, "") << "seed " << seed << ", after record " << disk.records();
  EXPECT_GT(tried, 100u);
  EXPECT_EQ(disk.counts()[CrashDisk::kStopped], tried);
  EXPECT_GT(disk.counts()[CrashDisk::kTornPages], 0u);
  EXPECT_GT(disk.counts()[CrashDisk::kOlderImages], 0u);
}

INSTANTIATE_TEST_SUITE_P(Forms, CrashGaps,
                         ::testing::Values(ParamsOf(300, QUIVER_METRIC_L2, 4),
                                           ParamsOf(6000, QUIVER_METRIC_L2, 6),
                                           ParamsOf(5000, QUIVER_METRIC_L1, 4),
                                           ParamsOf(1200, QUIVER_METRIC_HAMMING, 4),
                                           SparseParamsOf(9000, QUIVER_METRIC_IP, 4)),
                         TestNameOf);

}  // namespace
}  // namespace quiver::fakes
