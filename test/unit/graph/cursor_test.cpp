// A scan that stays open while others write: no row twice, none missing that was
// there throughout.
#include "base/random.h"
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

constexpr uint32_t kDim = 80;

// One seeded run: rows come and go between calls and, at `polls`, within them.
void RunScanUnderWrites(uint64_t seed, bool ordered) {
  SplitMix64 random(seed);
  const std::string what = "seed " + std::to_string(seed) + (ordered ? ", ordered" : "");
  MemoryIndex index(ParamsOf(kDim));
  index.SetListLimit(1 + static_cast<uint32_t>(random.Next() % 6));
  std::vector<Vector> rows = GaussianVectors(seed, 1200, kDim);
  for (size_t i = 0; i < rows.size(); i++)
    if (i % 9 == 4) rows[i] = rows[i % 5];
  uint32_t next = 20 + static_cast<uint32_t>(random.Next() % 500);
  index.InsertAll({rows.begin(), rows.begin() + next});
  const uint32_t before = next;
  std::set<uint32_t> dead;

  Cursor cursor(index.file(), index.index(), OptionsOf(5 + static_cast<int>(random.Next() % 30)),
                ordered ? &rows[0] : nullptr);
  const auto write = [&] {
    const uint64_t dice = random.Next() % 100;
    if (dice < 30) {
      for (uint64_t n = random.Next() % 20; n > 0 && next < rows.size(); n--, next++)
        ASSERT_EQ(index.Insert(next, rows[next]), std::nullopt);
    } else if (dice < 32) {
      for (int n = 0; n < 5; n++) dead.insert(static_cast<uint32_t>(random.Next() % next));
      ASSERT_EQ(index.Delete([&](uint32_t row) { return dead.count(row) != 0; }), std::nullopt);
    }
  };
  cursor.store().set_at_poll([&] {
    if (random.Next() % 4 == 0) write();
  });
  std::map<uint32_t, int> times;
  while (const std::optional<Hit> hit = cursor.Next()) {
    times[hit->row]++;
    if (random.Next() % 8 == 0) write();
  }
  ASSERT_EQ(Describe(cursor.error()), "") << what;
  for (const auto& [row, count] : times) EXPECT_EQ(count, 1) << what << ", row " << row;
  for (uint32_t row = 0; row < before; row++) {
    if (dead.count(row) == 0) {
      EXPECT_EQ(times.count(row), 1u) << what << ", row " << row << " of " << before;
    }
  }
}

TEST(CursorUnderWrites, ByDistance) {
  for (uint64_t seed = 1; seed <= 12; seed++) {
    RunScanUnderWrites(seed, true);
    if (HasFailure()) return;
  }
}

TEST(CursorUnderWrites, WithoutOrder) {
  for (uint64_t seed = 101; seed <= 112; seed++) {
    RunScanUnderWrites(seed, false);
    if (HasFailure()) return;
  }
}

// Deleting everything under an open scan ends it, and soundly.
TEST(CursorUnderWrites, EverythingIsDeleted) {
  MemoryIndex index(ParamsOf(kDim));
  index.SetListLimit(1);
  const std::vector<Vector> rows = GaussianVectors(61, 500, kDim);
  index.InsertAll(rows);
  Cursor cursor(index.file(), index.index(), OptionsOf(10), &rows[0]);
  ASSERT_TRUE(cursor.Next().has_value());
  ASSERT_EQ(index.Delete([](uint32_t) { return true; }), std::nullopt);
  size_t more = 0;
  while (cursor.Next().has_value()) more++;
  EXPECT_EQ(Describe(cursor.error()), "");
  EXPECT_LT(more, 30u);
}

}  // namespace
}  // namespace quiver::fakes
