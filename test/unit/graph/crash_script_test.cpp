// A crash before every record of a seeded script of operations, with whole pages,
// with torn ones, and once more during recovery (fakes/crash_disk.h): the pages are
// those before the crash, the verifier finds nothing, no committed row is lost, none
// comes twice, no hint hides a living one, and the index goes on.
//
// With QUIVER_DEEP every record of 2,000 operations a form; else a shorter script, of
// whose records some are tried, of each kind of operation.  QUIVER_SEED: another script.
#include <cstdlib>
#include <tuple>

#include "fakes/churn.h"
#include "fakes/crash_disk.h"
#include "graph/index_testing.h"
#include "page/page.h"

namespace quiver::fakes {
namespace {

struct Script {
  ChurnForm form;
  uint32_t stride;  // one record in so many is tried, about, without QUIVER_DEEP
};

bool Deep() {
  const char* deep = getenv("QUIVER_DEEP");
  return deep != nullptr && *deep != '\0';
}

uint64_t Seed(uint64_t otherwise) {
  const char* seed = getenv("QUIVER_SEED");
  return seed != nullptr && *seed != '\0' ? strtoull(seed, nullptr, 10) : otherwise;
}

// Twins of one vector on several pages, and as many NULLs, among others.
std::vector<Value> LongChains() {
  std::vector<Value> rows = ValuesOf(GaussianVectors(611, 30, 100));
  rows.insert(rows.begin(), 1020, rows[0]);
  rows.insert(rows.end(), 1010, Value());
  return rows;
}

std::vector<Script> Scripts() {
  const QuiverIndexParams codes = ParamsOf(400, QUIVER_METRIC_COSINE, 4);
  const QuiverIndexParams chunks = ParamsOf(6000, QUIVER_METRIC_L2, 6);
  const QuiverIndexParams sparse = SparseParamsOf(9000, QUIVER_METRIC_IP, 4);
  const QuiverIndexParams bits = ParamsOf(1200, QUIVER_METRIC_HAMMING, 4);
  const auto some = [](const QuiverIndexParams& params, size_t count) {
    return RandomValues(params, 612, count);
  };
  return {
      {{"a list that becomes a graph", ParamsOf(200, QUIVER_METRIC_L2, 4), {}, 2, 60}, 20},
      {{"codes of one bit", codes, some(codes, 25), 3, 50}, 40},
      {{"nodes with chunk pages", chunks, some(chunks, 20), 0, 12}, 300},
      {{"sparse", sparse, some(sparse, 30), 0, 30}, 80},
      {{"bits", bits, {}, 1, 60}, 40},
      {{"long chains", ParamsOf(100, QUIVER_METRIC_COSINE, 4), LongChains(), 30, 60}, 40},
  };
}

// Indexes, one after the other, that share a script's operations.
constexpr uint32_t kLives = 4;

class CrashScript : public ::testing::TestWithParam<Script> {};

const char* const kCountNames[CrashDisk::kCounts] = {
    "recoveries",     "of them begun twice", "pages not as in memory",
    "torn",           "images restored",     "over newer pages",
    "changes redone", "had already",         "pages with hints",
    "of zeros",       "files shorter",       "checkpoints"};

TEST_P(CrashScript, EveryRecord) {
  // The first few of each sort of record and operation are tried, then one in `stride`.
  const Script& script = GetParam();
  const uint32_t first = script.stride > 50 ? 1 : 3;
  const uint32_t operations = (Deep() ? 2000 : 600) / kLives;
  const uint64_t seed = Seed(601);
  CrashDisk::Counts counts = {};
  uint64_t records = 0;
  uint64_t tried = 0;
  uint32_t tried_of[kChurnSteps] = {};
  std::set<PartitionState> states;
  using Sort = std::tuple<uint64_t, PartitionState, ChurnStep, bool>;
  std::map<Sort, uint32_t> tried_after;

  for (uint32_t life = 0; life < kLives; life++) {
    Churn churn(script.form, seed + life);
    SplitMix64 random(seed ^ life);
    CrashDisk::Options options;
    options.page_images = life % 4 != 3;
    options.log_hints = life % 2 == 1;
    options.synced_start = life % 3 == 1;
    CrashDisk disk(churn.index()->file(), seed + life, options);
    uint32_t operation = 0;
    std::string failure;
    const auto crash = [&] {
      if (!failure.empty()) return;
      MemoryFile* file = churn.index()->file();
      const bool grown = IsNewPage(file->Copy(file->block_count() - 1).data());
      const PartitionState state = churn.index()->partition().state;
      uint32_t& of_sort = tried_after[{disk.last_sort(), state, churn.step(), grown}];
      if (!Deep() && of_sort >= first && random.Next() % script.stride != 0) return;
      of_sort++;
      tried_of[static_cast<size_t>(churn.step())]++;
      tried++;
      states.insert(state);
      for (const CrashKind kind : kCrashKinds) {
        MemoryFile recovered;
        failure = disk.Crash(kind, random.Next(), &recovered);
        if (failure.empty()) {
          MemoryIndex index(recovered, script.form.params);
          failure = churn.Check(&index);
          // Crashes take turns in this: what is left is the same pages but for hints.
          if (failure.empty() && (!Deep() || kind == kCrashKinds[tried % 3]))
            failure = churn.CheckStillWorks(&index, random.Next());
        }
        if (failure.empty()) continue;
        failure = std::string(NameOf(kind)) + ": " + failure;
        return;
      }
    };
    disk.set_crash_point(crash);
    const auto what = [&] {
      return std::string("seed ") + std::to_string(seed) + ", life " + std::to_string(life) +
             ", operation " + std::to_string(operation) + " (" + NameOf(churn.step()) +
             "), after record " + std::to_string(disk.records());
    };
    for (; operation < operations; operation++) {
      const std::string failed = churn.Step();
      ASSERT_EQ(failed, "") << what();
      ASSERT_EQ(failure, "") << what();
      // What no crash has touched is right as well: hints, above all.
      if (operation % 16 == 0) {
        ASSERT_EQ(churn.Check(churn.index()), "") << what() << ", no crash";
      }
    }
    crash();
    ASSERT_EQ(failure, "") << what() << ", at the end";
    records += disk.records();
    for (size_t i = 0; i < counts.size(); i++) counts[i] += disk.counts()[i];
  }

  std::string met = std::string(script.form.name) + ", seed " + std::to_string(seed) + ": " +
                    std::to_string(records) + " records, tried at " + std::to_string(tried);
  for (size_t i = 0; i < counts.size(); i++)
    met += std::string(", ") + kCountNames[i] + " " + std::to_string(counts[i]);
  printf("%s\n", met.c_str());
  // The crashes were what they were meant to be.
  EXPECT_EQ(counts[CrashDisk::kRecoveries], 3 * tried);
  EXPECT_EQ(counts[CrashDisk::kStopped], tried);
  for (size_t i = 0; i < counts.size(); i++) {
    if (i == CrashDisk::kHintedPages && first == 1 && !Deep()) continue;  // too few are tried
    EXPECT_GT(counts[i], 0u) << kCountNames[i];
  }
  for (size_t step = 0; step < kChurnSteps; step++) {
    const auto of = static_cast<ChurnStep>(step);
    if (of == ChurnStep::kDelete || of == ChurnStep::kKill) continue;
    if (of == ChurnStep::kCancelledCleanup && !Deep()) continue;  // seldom gets so far
    EXPECT_GT(tried_of[step], 0u) << NameOf(of);
  }
  if (script.form.list_limit > 0) {
    EXPECT_EQ(states.size(), 3u) << "a list, a list that drains, a graph";
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, CrashScript, ::testing::ValuesIn(Scripts()),
                         [](const ::testing::TestParamInfo<Script>& info) {
                           std::string name = info.param.form.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace quiver::fakes
