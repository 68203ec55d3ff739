// The containers of a search: beam, visited set, row queue.
#include "graph/beam.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/random.h"
#include "graph/row_queue.h"
#include "graph/visited.h"

namespace quiver {
namespace {

class Containers : public ::testing::Test {
 protected:
  Allocator* allocator() { return &allocator_; }

 private:
  std::vector<std::unique_ptr<char[]>> memory_;
  Allocator allocator_ = {&memory_, [](void* context, size_t bytes) -> void* {
                            auto* memory =
                                static_cast<std::vector<std::unique_ptr<char[]>>*>(context);
                            memory->emplace_back(new char[bytes]);
                            return memory->back().get();
                          }};
};

using BeamTest = Containers;
using VisitedTest = Containers;
using RowQueueTest = Containers;

// Against a sorted multimap, with random puts and takes between.
TEST_F(BeamTest, KeepsTheNearestAndTakesThemInOrder) {
  for (uint64_t seed = 1; seed <= 50; seed++) {
    SplitMix64 random(seed);
    const size_t width = 1 + random.Next() % 20;
    Beam beam(allocator());
    beam.Reset(width);
    struct Entry {
      uint32_t number;
      bool taken;
    };
    std::multimap<float, Entry> model;
    for (uint32_t i = 0; i < 300; i++) {
      if (random.Next() % 3 == 0) {
        Candidate taken;
        auto expected = model.begin();
        while (expected != model.end() && expected->second.taken) ++expected;
        ASSERT_EQ(beam.Take(&taken), expected != model.end());
        if (expected == model.end()) continue;
        EXPECT_EQ(taken.number, expected->second.number);
        expected->second.taken = true;
        continue;
      }
      const auto distance = static_cast<float>(random.NextDouble());
      const float threshold = model.size() < width ? std::numeric_limits<float>::infinity()
                                                   : std::prev(model.end())->first;
      ASSERT_EQ(beam.Threshold(), threshold);
      if (!(distance < threshold)) continue;
      Candidate evicted;
      const bool full = model.size() == width;
      ASSERT_EQ(beam.Put({distance, i, 0, 0}, &evicted), full);
      if (full) {
        const auto last = std::prev(model.end());
        EXPECT_EQ(evicted.number, last->second.number);
        EXPECT_EQ((evicted.marks & kExpanded) != 0, last->second.taken);
        model.erase(last);
      }
      model.insert({distance, {i, false}});
    }
  }
}

// Each candidate is announced once, in the order in which they will be taken, and
// not once it has been taken.
TEST_F(BeamTest, AnnouncesTheNextOnce) {
  Beam beam(allocator());
  beam.Reset(4);
  const auto announced = [&](size_t count) {
    std::vector<uint32_t> numbers;
    beam.AnnounceNext(count, [&](const Candidate& next) { numbers.push_back(next.number); });
    return numbers;
  };
  using Numbers = std::vector<uint32_t>;
  EXPECT_EQ(announced(2), Numbers{});
  Candidate candidate;
  beam.Put({2, 2, 0, 0}, &candidate);
  beam.Put({1, 1, 0, 0}, &candidate);
  beam.Put({4, 4, 0, 0}, &candidate);
  EXPECT_EQ(announced(2), (Numbers{1, 2}));
  EXPECT_EQ(announced(2), Numbers{});
  ASSERT_TRUE(beam.Take(&candidate));
  EXPECT_EQ(candidate.number, 1u);
  beam.Put({3, 3, 0, 0}, &candidate);
  EXPECT_EQ(announced(2), Numbers{3});
  EXPECT_EQ(announced(9), Numbers{4});
  // One that took the place of another is new, whatever marks it comes with.
  ASSERT_TRUE(beam.Put({0, 5, 0, kAnnounced}, &candidate));
  EXPECT_EQ(announced(1), Numbers{5});
}

TEST_F(VisitedTest, AgreesWithASet) {
  SplitMix64 random(7);
  Visited visited(allocator());
  std::set<uint32_t> model;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 20000; i++) {
      // Dense numbers, as an index has them, and the largest allowed.
      const auto number = i == 5 ? 0xFFFFFFFEu : static_cast<uint32_t>(random.Next() % 30000);
      ASSERT_EQ(visited.Insert(number), model.insert(number).second);
    }
    EXPECT_EQ(visited.count(), model.size());
    for (uint32_t number = 0; number < 30000; number++)
      ASSERT_EQ(visited.Contains(number), model.count(number) != 0);
    visited.Clear();
    model.clear();
    EXPECT_FALSE(visited.Contains(1));
  }
}

TEST_F(RowQueueTest, PopsByDistance) {
  SplitMix64 random(8);
  RowQueue queue(allocator());
  std::multiset<float> model;
  for (int i = 0; i < 500; i++) {
    const float distance = i % 50 == 0 ? std::numeric_limits<float>::infinity()
                                       : static_cast<float>(random.NextDouble());
    queue.Add(QueuedRow::Single(distance, distance, QUIVER_ROW_DISTANCE, {}, {}));
    model.insert(distance);
  }
  queue.Heapify();
  for (int i = 0; i < 200; i++) {
    const auto distance = static_cast<float>(random.NextDouble());
    queue.Push(QueuedRow::Single(distance, distance, QUIVER_ROW_DISTANCE, {}, {}));
    model.insert(distance);
    ASSERT_EQ(queue.Pop().distance, *model.begin());
    model.erase(model.begin());
  }
  while (!queue.empty()) {
    ASSERT_EQ(queue.front().distance, *model.begin());
    queue.Pop();
    model.erase(model.begin());
  }
  EXPECT_TRUE(model.empty());
}

}  // namespace
}  // namespace quiver
