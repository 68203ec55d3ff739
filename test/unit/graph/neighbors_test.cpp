// Which neighbours a node keeps: the choice for a new node and the plan for a back-link.
#include "graph/neighbors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "fakes/memory_index.h"
#include "graph/build.h"

namespace quiver::fakes {
namespace {

constexpr uint32_t kDim = 8;

// A context without any page: what the choices need.
class Neighbors : public ::testing::Test {
 protected:
  Neighbors()
      : store_(&none_), allocator_{store_.callbacks()->context, store_.callbacks()->allocate} {}

  GraphContext Context(uint32_t slots, QuiverMetric metric = QUIVER_METRIC_L2) {
    MetaData meta;
    NodeLayout layout;
    DescribeIndex(ParamsOf(kDim, metric, 16, QUIVER_STORAGE_FLOAT32), 0, &meta, &layout);
    EXPECT_TRUE(MakeLayout({kDim, QUIVER_FORM_DENSE, Codec::kEdge, 4, slots, 1, true, 0}, &layout));
    index_ = MakeIndex(&allocator_, meta, layout);
    return {Store(store_.callbacks()), index_, quiver_kernels(), &allocator_, false};
  }
  Found FoundAt(const Vector& vector, uint32_t number, const Vector& from) {
    Found found = {};
    found.number = number;
    found.vector = Stored(vector);
    found.distance = Exact(vector, from);
    return found;
  }
  // Vectors here are as stored: not rotated.
  static StoredVector Stored(const Vector& vector) {
    return {reinterpret_cast<const uint8_t*>(vector.data()), 1.0f, 0, 0};
  }
  float Exact(const Vector& a, const Vector& b) {
    QueryMaker maker(quiver_kernels(), index_, &allocator_);
    return Distance(*quiver_kernels(), *index_, maker.Make(Stored(a)), Stored(b));
  }

  MemoryFile none_;
  MemoryStore store_;
  Allocator allocator_;
  QuiverIndex* index_ = nullptr;
};

using ChooserTest = Neighbors;
using PlanTest = Neighbors;

// The heuristic in its plainest words, for comparison.
std::vector<uint32_t> PlainChoice(QuiverMetric metric, const std::vector<Vector>& vectors,
                                  const Vector& node, size_t slots) {
  const auto distance = [metric](const Vector& a, const Vector& b) {
    const double d = ExactDistance(metric, a, b);
    return metric == QUIVER_METRIC_L2 ? d * d : d;
  };
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < vectors.size(); i++) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return distance(vectors[a], node) < distance(vectors[b], node);
  });
  std::vector<uint32_t> kept;
  for (const uint32_t candidate : order) {
    if (kept.size() == slots) break;
    const bool dominated = std::any_of(kept.begin(), kept.end(), [&](uint32_t other) {
      return distance(vectors[other], vectors[candidate]) < distance(vectors[candidate], node);
    });
    if (!dominated) kept.push_back(candidate);
  }
  return kept;
}

TEST_F(ChooserTest, AgreesWithThePlainHeuristic) {
  for (const QuiverMetric metric : {QUIVER_METRIC_L2, QUIVER_METRIC_IP}) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
      const uint32_t slots = 8 + static_cast<uint32_t>(seed % 9);
      const GraphContext context = Context(slots, metric);
      const std::vector<Vector> vectors = GaussianVectors(seed, 2 + seed, kDim);
      const Vector node = GaussianVectors(seed + 1000, 1, kDim)[0];
      ArenaVector<Found> candidates(&allocator_);
      for (uint32_t i = 0; i < vectors.size(); i++)
        candidates.PushBack(FoundAt(vectors[i], i, node));
      std::sort(candidates.begin(), candidates.end(),
                [](const Found& a, const Found& b) { return a.distance < b.distance; });
      const Found* choices[kMaxSlots];
      NeighborChooser chooser(context);
      const NeighborChooser::Count count = chooser.Choose(candidates, choices);
      const auto expected = PlainChoice(metric, vectors, node, slots);
      ASSERT_EQ(count.diverse, expected.size()) << "seed " << seed;
      for (uint32_t i = 0; i < count.diverse; i++)
        EXPECT_EQ(choices[i]->number, expected[i]) << "seed " << seed;

      // Filled up to a third with the nearest of the others.
      ASSERT_EQ(count.all,
                std::max<size_t>(expected.size(), std::min<size_t>(slots / 3, candidates.size())));
      const std::set<uint32_t> chosen(expected.begin(), expected.end());
      uint32_t next = count.diverse;
      for (const Found& candidate : candidates) {
        if (next == count.all) break;
        if (chosen.count(candidate.number) != 0) continue;
        EXPECT_EQ(choices[next++]->number, candidate.number) << "seed " << seed;
      }
    }
  }
}

TEST_F(ChooserTest, NoCandidatesNoChoice) {
  const GraphContext context = Context(8);
  ArenaVector<Found> none(&allocator_);
  const Found* choices[kMaxSlots];
  EXPECT_EQ(NeighborChooser(context).Choose(none, choices).all, 0u);
}

// A node with neighbours far enough apart that estimates cannot confuse them.
class Planned {
 public:
  Planned(const GraphContext& context, QuiverIndex* index, const Vector& v)
      : context_(context), index_(index), v_(v) {
    memcpy(node().vector(), v.data(), kDim * sizeof(float));
    node().head().vector_scale = 1;
  }
  Node node() { return Node(page_, index_->layout, 0); }
  void Add(const Vector& neighbor, bool dominated) {
    std::vector<uint8_t> code(index_->layout.code_bytes);
    QuiverEdgeTerms terms;
    quiver_kernels()->encode_edge(v_.data(), neighbor.data(), index_->center(), kDim, 4,
                                  code.data(), &terms);
    const uint8_t slot = node().head().slot_count;
    WriteSlot(index_->layout, node(), slot,
              {100u + slot, static_cast<uint16_t>(1 | (dominated ? kDominatedBit : 0)),
               ForwardFactors(index_->metric, terms), 0});
    memcpy(node().code(slot), code.data(), code.size());
    node().head().slot_count++;
  }
  LinkPlan Plan(const Vector& u, uint32_t number = 7) {
    const auto stored = [](const Vector& vector) {
      return StoredVector{reinterpret_cast<const uint8_t*>(vector.data()), 1.0f, 0, 0};
    };
    QueryMaker maker(quiver_kernels(), index_, context_.allocator);
    QueryMaker self(quiver_kernels(), index_, context_.allocator);
    const Query query = maker.Make(stored(u));
    const ConstNode v(page_, index_->layout, 0);
    const float distance = Distance(*quiver_kernels(), *index_, query, stored(v_));
    LinkDistances distances;
    EstimateLinkDistances(context_, &self, v, query, distance, &distances);
    LinkPlan plan;
    PlanLink(context_, v, {number, 1}, distances, distance, &plan);
    return plan;
  }

 private:
  const GraphContext& context_;
  QuiverIndex* index_;
  Vector v_;
  alignas(64) uint8_t page_[kPageBytes] = {};
};

Vector Axis(uint32_t axis, float length) {
  Vector vector(kDim, 0.0f);
  vector[axis] = length;
  return vector;
}

TEST_F(PlanTest, AnEmptyListTakesAnything) {
  const GraphContext context = Context(8);
  Planned v(context, index_, Vector(kDim, 0.0f));
  const LinkPlan plan = v.Plan(Axis(0, 3));
  EXPECT_TRUE(plan.accepted);
  EXPECT_EQ(plan.slot, 0u);
  EXPECT_FALSE(plan.dominated);
  EXPECT_EQ(plan.newly_count, 0u);
}

// The same edge from both sides is added once.
TEST_F(PlanTest, AnEdgeThatIsThereIsRefused) {
  const GraphContext context = Context(8);
  Planned v(context, index_, Vector(kDim, 0.0f));
  v.Add(Axis(0, 3), false);
  EXPECT_FALSE(v.Plan(Axis(0, 3), 100).accepted);
  EXPECT_TRUE(v.Plan(Axis(1, 3), 101).accepted);
}

// Rule 1: behind a nearer undominated neighbour, u is dominated.
TEST_F(PlanTest, RuleOneNearerNeighborDominates) {
  const GraphContext context = Context(8);
  for (const bool already : {false, true}) {
    Planned v(context, index_, Vector(kDim, 0.0f));
    v.Add(Axis(0, 5), already);
    const LinkPlan plan = v.Plan(Axis(0, 9));
    EXPECT_TRUE(plan.accepted);
    EXPECT_EQ(plan.slot, 1u);
    // A dominated neighbour dominates nobody.
    EXPECT_EQ(plan.dominated, !already);
    EXPECT_EQ(plan.newly_count, 0u);
  }
}

// Rule 2: u in front of farther neighbours dominates those, and only those.
TEST_F(PlanTest, RuleTwoFartherNeighborsBecomeDominated) {
  const GraphContext context = Context(8);
  Planned v(context, index_, Vector(kDim, 0.0f));
  v.Add(Axis(0, 9), false);
  v.Add(Axis(1, 9), false);
  v.Add(Axis(0, 12), true);
  const LinkPlan plan = v.Plan(Axis(0, 5));
  EXPECT_TRUE(plan.accepted);
  EXPECT_EQ(plan.slot, 3u);
  EXPECT_FALSE(plan.dominated);
  ASSERT_EQ(plan.newly_count, 1u);
  EXPECT_EQ(plan.newly[0], 0u);
}

// Rule 3: a full list gives up its farthest dominated entry.
TEST_F(PlanTest, RuleThreeFarthestDominatedLeaves) {
  const GraphContext context = Context(8);
  Planned v(context, index_, Vector(kDim, 0.0f));
  for (uint32_t axis = 0; axis < 6; axis++) v.Add(Axis(axis, 20), false);
  v.Add(Axis(6, 8), true);
  v.Add(Axis(6, 12), true);
  const LinkPlan plan = v.Plan(Axis(7, 10));
  EXPECT_TRUE(plan.accepted);
  EXPECT_EQ(plan.slot, 7u);
}

// ... u included ...
TEST_F(PlanTest, RuleThreeDominatedNewcomerLeaves) {
  const GraphContext context = Context(8);
  Planned v(context, index_, Vector(kDim, 0.0f));
  for (uint32_t axis = 0; axis < 7; axis++) v.Add(Axis(axis, 5), false);
  v.Add(Axis(7, 6), true);
  EXPECT_FALSE(v.Plan(Axis(0, 9)).accepted);
  // ... unless another dominated one is farther.
  Planned w(context, index_, Vector(kDim, 0.0f));
  for (uint32_t axis = 0; axis < 7; axis++) w.Add(Axis(axis, 5), false);
  w.Add(Axis(7, 20), true);
  const LinkPlan plan = w.Plan(Axis(0, 9));
  EXPECT_TRUE(plan.accepted);
  EXPECT_TRUE(plan.dominated);
  EXPECT_EQ(plan.slot, 7u);
}

// ... and where none is dominated, the farthest of all.
TEST_F(PlanTest, RuleThreeFarthestLeavesWhereNoneIsDominated) {
  const GraphContext context = Context(8);
  Planned v(context, index_, Vector(kDim, 0.0f));
  for (uint32_t i = 0; i < 8; i++) v.Add(Axis(i, i == 4 ? -30.0f : -20.0f), false);
  LinkPlan plan = v.Plan(Axis(1, 10));
  EXPECT_TRUE(plan.accepted);
  EXPECT_EQ(plan.slot, 4u);
  EXPECT_FALSE(plan.dominated);
  plan = v.Plan(Axis(1, 50));
  EXPECT_FALSE(plan.accepted);
}

// A slot whose numbers are not numbers is the first to go.
TEST_F(PlanTest, BrokenSlotLeaves) {
  const GraphContext context = Context(8);
  Planned v(context, index_, Vector(kDim, 0.0f));
  for (uint32_t i = 0; i < 8; i++) v.Add(Axis(i, -20.0f), false);
  v.node().f()[5] = 0x7E00;
  const LinkPlan plan = v.Plan(Axis(1, 10));
  EXPECT_TRUE(plan.accepted);
  EXPECT_EQ(plan.slot, 5u);
}

}  // namespace
}  // namespace quiver::fakes
