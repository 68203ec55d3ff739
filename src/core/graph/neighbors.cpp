#include "graph/neighbors.h"

#include <cmath>
#include <new>

namespace quiver {

namespace {

// A new node's list is filled up to this part of its slots.
constexpr uint32_t kFilledShare = 3;

}  // namespace

NeighborChooser::NeighborChooser(const GraphContext& context)
    : context_(&context),
      makers_(reinterpret_cast<QueryMaker*>(
          AllocateArray<uint8_t>(context.allocator, context.layout().slots * sizeof(QueryMaker)))) {
  static_assert(std::is_trivially_destructible_v<QueryMaker>);
  for (uint32_t i = 0; i < context.layout().slots; i++)
    new (makers_ + i) QueryMaker(context.kernels, context.index, context.allocator);
}

NeighborChooser::Count NeighborChooser::Choose(const ArenaVector<Found>& candidates,
                                               const Found** choices) {
  const NodeLayout& layout = context_->layout();
  const QuiverKernels& kernels = *context_->kernels;
  const QuiverIndex& index = *context_->index;
  uint32_t count = 0;
  Query queries[kMaxSlots];
  for (const Found& candidate : candidates) {
    if (count == layout.slots) break;
    bool dominated = false;
    for (uint32_t i = 0; i < count && !dominated; i++)
      dominated = Distance(kernels, index, queries[i], candidate.vector) < candidate.distance;
    if (dominated) continue;
    queries[count] = makers_[count].Make(candidate.vector, false);
    choices[count++] = &candidate;
  }
  const uint32_t diverse = count;
  uint32_t next = 0;  // choice that the walk over the candidates has not met yet
  for (const Found& candidate : candidates) {
    if (count >= layout.slots / kFilledShare) break;
    if (next < diverse && choices[next] == &candidate)
      next++;
    else
      choices[count++] = &candidate;
  }
  return {diverse, count};
}

void EstimateLinkDistances(const GraphContext& context, QueryMaker* maker, const ConstNode& v,
                           const Query& query, float distance, LinkDistances* distances) {
  const QuiverKernels& kernels = *context.kernels;
  const QuiverIndex& index = *context.index;
  EstimateNeighbors(kernels, index, v, query, distance, distances->to_u);
  const StoredVector stored = VectorOf(v);
  const Query self = maker->Make(stored);
  // Inner products have no zero at the vector itself.
  EstimateNeighbors(kernels, index, v, self, Distance(kernels, index, self, stored),
                    distances->to_v);
  // A slot without a number (overflow, damage) is the first to leave.
  for (uint32_t i = 0; i < v.slot_count(); i++)
    if (std::isnan(distances->to_v[i])) distances->to_v[i] = std::numeric_limits<float>::infinity();
}

void PlanLink(const GraphContext& context, const ConstNode& v, NodePointer u,
              const LinkDistances& distances, float distance, LinkPlan* plan) {
  const uint32_t count = v.slot_count();
  *plan = {};
  plan->accepted = true;
  plan->slot = count;
  for (uint32_t i = 0; i < count; i++) {
    const NodePointer neighbor = v.neighbor(i);
    if (neighbor.number == u.number && neighbor.generation == u.generation) {
      plan->accepted = false;
      return;
    }
  }
  if (count == 0) return;

  const float* to_u = distances.to_u;
  const float* to_v = distances.to_v;
  for (uint32_t i = 0; i < count && !plan->dominated; i++)
    plan->dominated = !v.dominated(i) && to_v[i] < distance && to_u[i] < distance;
  if (!plan->dominated) {
    for (uint32_t i = 0; i < count; i++)
      if (!v.dominated(i) && to_v[i] > distance && to_u[i] < to_v[i])
        plan->newly[plan->newly_count++] = static_cast<uint8_t>(i);
  }
  if (count < context.layout().slots) return;

  // Full: the farthest dominated entry leaves, u included, else the farthest.
  bool dominated[kMaxSlots];
  bool any = plan->dominated;
  for (uint32_t i = 0; i < count; i++) dominated[i] = v.dominated(i);
  for (uint32_t i = 0; i < plan->newly_count; i++) dominated[plan->newly[i]] = true;
  for (uint32_t i = 0; i < count && !any; i++) any = dominated[i];
  uint32_t leaving = count;  // u itself
  float farthest = plan->dominated || !any ? distance : -std::numeric_limits<float>::infinity();
  for (uint32_t i = 0; i < count; i++) {
    if ((any && !dominated[i]) || !(to_v[i] > farthest)) continue;
    farthest = to_v[i];
    leaving = i;
  }
  plan->accepted = leaving != count;
  plan->slot = leaving;
}

}  // namespace quiver
