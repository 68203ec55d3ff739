#include "graph/neighbors.h"

#include <cmath>

namespace quiver {

NeighborChooser::NeighborChooser(const GraphContext& context)
    : context_(&context),
      decoded_(AllocateArray<float>(context.allocator,
                                    size_t{context.layout().slots} * context.layout().dim)) {}

uint32_t NeighborChooser::Choose(const ArenaVector<Found>& candidates, const Found** choices) {
  const NodeLayout& layout = context_->layout();
  const QuiverKernels& kernels = *context_->kernels;
  const QuiverIndex& index = *context_->index;
  uint32_t count = 0;
  for (const Found& candidate : candidates) {
    if (count == layout.slots) break;
    bool dominated = false;
    for (uint32_t i = 0; i < count && !dominated; i++)
      dominated = Distance(kernels, index, decoded_ + size_t{i} * layout.dim,
                           candidate.vector.bytes, candidate.vector.scale) < candidate.distance;
    if (dominated) continue;
    Decode(kernels, index, candidate.vector.bytes, candidate.vector.scale,
           decoded_ + size_t{count} * layout.dim);
    choices[count++] = &candidate;
  }
  return count;
}

LinkScratch MakeLinkScratch(const GraphContext& context) {
  const uint32_t dim = context.layout().dim;
  return {AllocateArray<float>(context.allocator, dim),
          AllocateArray<float>(context.allocator, dim),
          AllocateArray<int8_t>(context.allocator, CodeLength(dim))};
}

namespace {

// Distances from v to its own neighbours, from its page alone.
void OwnDistances(const GraphContext& context, const LinkScratch& scratch, const ConstNode& v,
                  float* distances) {
  const QuiverKernels& kernels = *context.kernels;
  const QuiverIndex& index = *context.index;
  Decode(kernels, index, v.vector(), v.head().vector_scale, scratch.vector);
  const Query self = MakeQuery(kernels, index, scratch.vector, scratch.code, scratch.centered);
  EstimateNeighbors(kernels, index, v, self,
                    Distance(kernels, index, self.vector, self.vector), distances);
  // A slot without a number (overflow, damage) is the first to leave.
  for (uint32_t i = 0; i < v.slot_count(); i++)
    if (std::isnan(distances[i])) distances[i] = std::numeric_limits<float>::infinity();
}

}  // namespace

void PlanLink(const GraphContext& context, const LinkScratch& scratch, const ConstNode& v,
              NodePointer u, const Query& query, float distance, LinkPlan* plan) {
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

  float to_u[kMaxSlots];
  float to_v[kMaxSlots];
  EstimateNeighbors(*context.kernels, *context.index, v, query, distance, to_u);
  OwnDistances(context, scratch, v, to_v);
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
  float farthest =
      plan->dominated || !any ? distance : -std::numeric_limits<float>::infinity();
  for (uint32_t i = 0; i < count; i++) {
    if ((any && !dominated[i]) || !(to_v[i] > farthest)) continue;
    farthest = to_v[i];
    leaving = i;
  }
  plan->accepted = leaving != count;
  plan->slot = leaving;
}

}  // namespace quiver
