// Builds: what they ask of memory, and that they can be cancelled.
#include "graph/index_testing.h"

namespace quiver::fakes {
namespace {

// Each search keeps vectors a little longer than those of the search before.
TEST(Build, TakesLittleMemoryForSparseRowsInTheOrderOfTheirLengths) {
  constexpr uint32_t kRows = 400;
  std::vector<Value> rows;
  std::vector<uint32_t> indices;
  Vector components;
  for (uint32_t i = 0; i < kRows; i++) {
    while (indices.size() < 1000 + 5 * i) {
      indices.push_back(static_cast<uint32_t>(indices.size()));
      components.push_back(1.0f + 0.001f * static_cast<float>(indices.size() % 7));
    }
    rows.push_back(Value::Sparse(indices, components));
  }
  const QuiverIndexParams params = SparseParamsOf(10000);
  MemoryFile file;
  MemoryStore store(&file);
  EXPECT_EQ(store.Run([&] {
    QuiverBuild* build = quiver_build_begin(store.callbacks(), &params);
    for (uint32_t i = 0; i < kRows; i++) {
      const QuiverValue value = rows[i].view();
      quiver_build_add(build, TidOf(i), &value);
    }
    quiver_build_link(build, nullptr, nullptr);
  }),
            std::nullopt);
  size_t bytes = 0;
  for (const Value& row : rows) bytes += row.components().size() * 8;
  printf("%zu kB for %zu kB of vectors\n", store.allocated() / 1024, bytes / 1024);
  EXPECT_LT(store.allocated(), 10 * bytes);
}

// Rows of one vector need no search, which would poll.
TEST(Build, PollsAmongEqualRows) {
  constexpr uint32_t kRows = 3000;
  const QuiverIndexParams params = SparseParamsOf(100);
  const Value row = Value::Sparse({3, 50}, {1.0f, 2.0f});
  MemoryFile file;
  MemoryStore store(&file);
  int polls = 0;
  store.set_at_poll([&] { polls++; });
  EXPECT_EQ(store.Run([&] {
    QuiverBuild* build = quiver_build_begin(store.callbacks(), &params);
    const QuiverValue value = row.view();
    for (uint32_t i = 0; i < kRows; i++) quiver_build_add(build, TidOf(i), &value);
    quiver_build_link(build, nullptr, nullptr);
  }),
            std::nullopt);
  EXPECT_GE(polls, static_cast<int>(kRows / 1000));
}

}  // namespace
}  // namespace quiver::fakes
