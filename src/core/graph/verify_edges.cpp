#include "graph/verify_edges.h"

#include <algorithm>
#include <cmath>

#include "base/f16.h"
#include "graph/edges.h"
#include "graph/verify_vector.h"

namespace quiver {

namespace {

bool IsFinite(const float* values, uint32_t count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

// A term is rounded to float16, and again whenever the node's scale has grown.  It may
// have become zero then, and the scale another since.
bool IsTerm(uint16_t stored, float scale, float term) {
  if (!std::isfinite(term) || (stored & 0x7FFF) == 0) return true;
  const float value = F16ToF32(stored) * scale;
  return std::fabs(value - term) <= std::fabs(term) * 0x1p-9f + scale * 0x1p-22f;
}

}  // namespace

EdgeVerifier::EdgeVerifier(VerifyState* state)
    : state_(state),
      node_(static_cast<const uint8_t*>(nullptr), state->layout()),
      reader_(state->context()),
      maker_(state->kernels, state->index, state->allocator),
      query_(),
      other_bytes_(state->allocator) {
  const NodeLayout& layout = state->layout();
  const size_t floats = layout.form == QUIVER_FORM_DENSE ? layout.dim : 0;
  own_vector_ = AllocateArray<float>(state->allocator, floats);
  other_vector_ = AllocateArray<float>(state->allocator, floats);
  forward_ = AllocateArray<uint8_t>(state->allocator, layout.code_bytes);
  backward_ = AllocateArray<uint8_t>(state->allocator, layout.code_bytes);
}

bool EdgeVerifier::Begin(const ConstNode& node) {
  const QuiverIndex& index = *state_->index;
  const StoredVector own = VectorOf(node);
  node_ = node;
  if (VectorHeadFault(index, own) != nullptr || VectorFault(index, own) != nullptr) return false;
  if (index.layout.form == QUIVER_FORM_DENSE) {
    Decode(*state_->kernels, index, own.bytes, own.scale, own_vector_);
    if (!IsFinite(own_vector_, index.layout.dim)) return false;
  }
  if (index.layout.codec == Codec::kNone) query_ = maker_.Make(own, false);
  return true;
}

bool EdgeVerifier::ReadOther(NodePointer to, int level) {
  const NodeLayout& layout = state_->layout();
  const Store& store = state_->store;
  const uint32_t block = layout.BlockOf(to.number);
  if (block >= store.BlockCount()) return false;
  QuiverPin pin;
  store.Poll();
  const uint8_t* page = store.Read(block, &pin);
  const ConstNode node(page, layout, layout.SlotOf(to.number));
  bool is_there = IsNodePage(page, layout, level == 0 ? PageKind::kNode : PageKind::kUpper) &&
                  node.in_use() && node.pointer_generation() == to.generation &&
                  node.head().level == level &&
                  VectorHeadFault(*state_->index, VectorOf(node)) == nullptr;
  if (is_there) {
    uint64_t pages = 0;
    NodeDamage damage;
    const ConstNode whole = reader_.TryRead(node, to.number, NodeReader::kVector, &pages, &damage);
    is_there = damage.detail == nullptr;
    if (is_there) {
      other_ = VectorOf(whole);
      const size_t bytes = StoredBytes(*state_->index, other_);
      other_bytes_.Resize(bytes / 8 + 1);
      memcpy(other_bytes_.begin(), other_.bytes, bytes);
      other_.bytes = reinterpret_cast<const uint8_t*>(other_bytes_.begin());
    }
  }
  store.Release(&pin);
  return is_there && VectorFault(*state_->index, other_) == nullptr;
}

const char* EdgeVerifier::Compare(uint32_t i, int level) {
  if (!ReadOther(node_.neighbor(i), level)) return nullptr;
  switch (state_->layout().codec) {
    case Codec::kEdge:
      return CompareCodes(i);
    case Codec::kNone:
      return CompareLength(i);
    case Codec::kBits:
      break;
  }
  return memcmp(node_.code(i), other_.bytes, state_->layout().code_bytes) == 0
             ? nullptr
             : "a slot has other bits than its neighbour";
}

// The code is that of the edge, or the complement of the edge's back: whoever of
// both came later has encoded both.
const char* EdgeVerifier::CompareCodes(uint32_t i) {
  const QuiverIndex& index = *state_->index;
  const NodeLayout& layout = index.layout;
  const NodeHead& head = node_.head();
  Decode(*state_->kernels, index, other_.bytes, other_.scale, other_vector_);
  if (!state_->has_center || !IsFinite(other_vector_, layout.dim)) return nullptr;
  const auto bits = static_cast<int>(layout.bits);
  QuiverEdgeTerms there;
  QuiverEdgeTerms back;
  state_->kernels->encode_edge(own_vector_, other_vector_, index.center(), layout.dim, bits,
                               forward_, &there);
  const bool is_forward = memcmp(node_.code(i), forward_, layout.code_bytes) == 0;
  state_->kernels->encode_edge(other_vector_, own_vector_, index.center(), layout.dim, bits,
                               forward_, &back);
  ComplementCode(layout, forward_, backward_);
  const bool is_backward = memcmp(node_.code(i), backward_, layout.code_bytes) == 0;
  // Where squares overflow, codes say nothing.
  if (!std::isfinite(there.n2)) return nullptr;
  if (!is_forward && !is_backward) return "a slot's code is not that of its neighbour";
  const auto fits = [&](const EdgeFactors& factors) {
    return IsTerm(node_.f()[i], head.f_scale, factors.f) &&
           IsTerm(node_.g()[i], head.g_scale, factors.g);
  };
  if ((is_forward && fits(ForwardFactors(index.metric, there))) ||
      (is_backward && fits(BackwardFactors(index.metric, back))))
    return nullptr;
  return "a slot's terms are not those of its neighbour";
}

const char* EdgeVerifier::CompareLength(uint32_t i) {
  const QuiverIndex& index = *state_->index;
  const float length = node_.lengths()[i];
  const float distance = Distance(*state_->kernels, index, query_, other_);
  if (!std::isfinite(distance)) return nullptr;
  // Kernels sum in orders of their own; the terms of a product may cancel out.
  const double terms = index.layout.form == QUIVER_FORM_DENSE
                           ? index.layout.dim
                           : 1.0 * node_.head().entries + other_.entries;
  const double relative = 1e-4 + (terms + 32) * 0x1p-24;
  double size = std::fabs(double{distance});
  if (index.metric == QUIVER_METRIC_IP)
    size += double{StoredSize(*state_->kernels, index, VectorOf(node_), other_vector_)} *
            StoredSize(*state_->kernels, index, other_, other_vector_);
  const double tolerance = relative * size + 0x1p-126;
  return std::fabs(double{length} - distance) <= tolerance
             ? nullptr
             : "a slot's length is not the distance of its neighbour";
}

}  // namespace quiver
