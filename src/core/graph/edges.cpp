#include "graph/edges.h"

#include <algorithm>
#include <cmath>

#include "base/f16.h"

namespace quiver {

namespace {

// A fresh scale puts a value at 2^kScaledExponent: far from float16's limits on
// both sides, since values of one node spread over a few binades.
constexpr int kScaledExponent = 4;

float ScaleFor(float value) {
  const float magnitude = std::fabs(value);
  if (!(magnitude > 0) || !std::isfinite(magnitude)) return 1.0f;
  return std::ldexp(1.0f, std::clamp(std::ilogb(magnitude) - kScaledExponent, -126, 127));
}

// Stores value at values[slot]; rescales the others first where it does not fit.
void PutScaled(uint16_t* values, uint32_t count, uint32_t slot, float value, float* scale) {
  // Zeros say nothing of the others' magnitude, and have any scale.
  bool zeros = true;
  for (uint32_t i = 0; i < count && zeros; i++) zeros = (values[i] & 0x7FFF) == 0;
  if (zeros || !(*scale > 0)) *scale = ScaleFor(value);
  if (std::isfinite(value) && std::fabs(value / *scale) >= kF16Max) {
    const float wider = ScaleFor(value);
    for (uint32_t i = 0; i < count; i++)
      values[i] = F32ToF16(F16ToF32(values[i]) * (*scale / wider));
    *scale = wider;
  }
  values[slot] = F32ToF16(value / *scale);
}

float Gradient(const QuiverEdgeTerms& terms) {
  return terms.a > 0 ? -2 * terms.n2 / terms.a : 0.0f;
}

}  // namespace

EdgeFactors ForwardFactors(QuiverMetric metric, const QuiverEdgeTerms& terms) {
  const float g = Gradient(terms);
  if (metric == QUIVER_METRIC_IP) return {-terms.mu_r, g};
  return {terms.n2 - g * terms.s_c, g};
}

EdgeFactors BackwardFactors(QuiverMetric metric, const QuiverEdgeTerms& terms) {
  const float g = Gradient(terms);
  if (metric == QUIVER_METRIC_IP) return {terms.mu_r, g};
  return {terms.n2 + g * terms.s_o, g};
}

void ComplementCode(const NodeLayout& layout, const uint8_t* code, uint8_t* out) {
  const uint32_t plane = (layout.dim + 7) / 8;
  const auto last = static_cast<uint8_t>(0xFF >> (plane * 8 - layout.dim));
  for (uint32_t i = 0; i < layout.code_bytes; i++) out[i] = static_cast<uint8_t>(~code[i]);
  for (uint32_t bit = 0; bit < layout.bits; bit++) out[(bit + 1) * plane - 1] &= last;
}

void WriteSlot(const NodeLayout& layout, const Node& node, uint32_t slot, const SlotEntry& entry) {
  NodeHead& head = node.head();
  const uint32_t count = node.slot_count();
  node.numbers()[slot] = entry.number;
  node.generations()[slot] = entry.generation;
  if (layout.codec == Codec::kNone) node.lengths()[slot] = entry.length;
  if (layout.codec != Codec::kEdge) return;
  PutScaled(node.f(), count, slot, entry.factors.f, &head.f_scale);
  PutScaled(node.g(), count, slot, entry.factors.g, &head.g_scale);
}

void MoveSlot(const NodeLayout& layout, const Node& node, uint32_t from, uint32_t to) {
  node.numbers()[to] = node.numbers()[from];
  node.generations()[to] = node.generations()[from];
  if (layout.codec == Codec::kNone) node.lengths()[to] = node.lengths()[from];
  if (layout.codec != Codec::kEdge) return;
  node.f()[to] = node.f()[from];
  node.g()[to] = node.g()[from];
}

namespace {

// The neighbours' bits are all there is: exact.
void CompareBits(const QuiverKernels& kernels, const QuiverIndex& index, const ConstNode& node,
                 const Query& query, float* distances) {
  const NodeLayout& layout = index.layout;
  const uint32_t count = node.slot_count();
  uint32_t both[kMaxSlots];
  if (index.metric == QUIVER_METRIC_HAMMING) {
    kernels.hamming_many(query.bits, node.codes(), layout.code_bytes, count, layout.code_bytes,
                         both);
    for (uint32_t i = 0; i < count; i++) distances[i] = static_cast<float>(both[i]);
    return;
  }
  uint32_t either[kMaxSlots];
  kernels.jaccard_many(query.bits, node.codes(), layout.code_bytes, count, layout.code_bytes, both,
                       either);
  for (uint32_t i = 0; i < count; i++) distances[i] = JaccardDistance(both[i], either[i]);
}

}  // namespace

void EstimateNeighbors(const QuiverKernels& kernels, const QuiverIndex& index,
                       const ConstNode& node, const Query& query, float base, float* estimates) {
  const NodeLayout& layout = index.layout;
  const uint32_t count = node.slot_count();
  if (layout.codec == Codec::kBits) {
    CompareBits(kernels, index, node, query, estimates);
    return;
  }
  int32_t dots[kMaxSlots];
  float f[kMaxSlots];
  float g[kMaxSlots];
  kernels.code_dots(node.codes(), layout.code_bytes, count, layout.dim,
                    static_cast<int>(layout.bits), query.code, query.code_sum, dots);
  kernels.f16_to_f32(node.f(), f, count);
  kernels.f16_to_f32(node.g(), g, count);
  const float f_scale = node.head().f_scale;
  const float weight = index.metric == QUIVER_METRIC_IP ? 0.5f : 1.0f;
  const float g_scale = node.head().g_scale * query.step * weight;
  for (uint32_t i = 0; i < count; i++)
    estimates[i] = base + f[i] * f_scale + g[i] * g_scale * static_cast<float>(dots[i]);
}

float ShortEdge(const NodeLayout& layout, const ConstNode& node) {
  const uint32_t count = node.slot_count();
  if (count == 0) return 0;
  // Magnitudes of float16 are in the order of their bits.
  uint16_t magnitudes[kMaxSlots];
  for (uint32_t i = 0; i < count; i++) magnitudes[i] = node.g()[i] & 0x7FFF;
  std::nth_element(magnitudes, magnitudes + count / 4, magnitudes + count);
  // E[s z] of a Gaussian z and its code s, the quantizer of InverseCellWidth.
  const float gain = layout.bits == 1 ? 0.7979f : layout.bits == 2 ? 1.7699f : 5.8977f;
  const float length = F16ToF32(magnitudes[count / 4]) * node.head().g_scale * gain / 2;
  return length * length * static_cast<float>(layout.dim);
}

}  // namespace quiver
