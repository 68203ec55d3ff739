#include "graph/row_order.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace quiver {

namespace {

constexpr int kIterations = 4;

// Rows of the sample for each leaf, at least.
constexpr uint32_t kRowsPerLeaf = 8;

constexpr uint64_t kPreparedTimes = 9;

}  // namespace

// Room for a mean, or for nine in ten of the rows.
size_t RowOrder::PivotBytes(CollectedRow** sample, uint32_t count) const {
  const NodeLayout& layout = context_->layout();
  if (has_means()) return (layout.dim * sizeof(float) + 63) / 64 * 64;
  size_t bytes = sizeof(CollectedRow) + layout.vector_bytes;
  if (layout.form == QUIVER_FORM_SPARSE && count > 0) {
    auto* most = sample + (count - 1) * size_t{9} / 10;
    std::nth_element(sample, most, sample + count,
                     [&](CollectedRow* a, CollectedRow* b) { return a->entries < b->entries; });
    bytes = RowBytes(*most);
  }
  return (bytes + 7) / 8 * 8;
}

uint64_t RowOrder::Create(CollectedRow** sample, uint32_t count, uint64_t bytes,
                          uint32_t participants, uint64_t seed) {
  pivot_bytes_ = PivotBytes(sample, count);
  // A prepared sparse query is up to nine times as large as its row.
  const uint64_t pivot_costs =
      context_->layout().form == QUIVER_FORM_SPARSE
          ? pivot_bytes_ * (1 + kPreparedTimes * (uint64_t{participants} + 1))
          : pivot_bytes_;
  uint32_t fanout = kMostGroups;
  const auto pivots = [](uint64_t groups) { return groups + groups * groups; };
  while (fanout > 1 &&
         (pivots(fanout) * pivot_costs > bytes || fanout * fanout * kRowsPerLeaf > count))
    fanout--;
  const uint64_t offset = SpaceOffset(SpaceRegion::kOrder, 0, 0);
  const uint64_t piece = GrainsOf(sizeof(Head) + pivots(fanout) * pivot_bytes_);
  space_.Reserve(offset, piece);
  head_ = reinterpret_cast<Head*>(space_.Map(offset, piece));
  *head_ = {};
  head_->pivot_bytes = pivot_bytes_;
  head_->groups = 1;
  head_->first_leaf[1] = 1;
  if (fanout > 1) MakeTree(sample, count, fanout, seed);
  return piece;
}

void RowOrder::MakeTree(CollectedRow** sample, uint32_t count, uint32_t fanout, uint64_t seed) {
  Allocator* allocator = context_->allocator;
  assigned_ = AllocateArray<uint32_t>(allocator, count);
  grouped_ = AllocateArray<CollectedRow*>(allocator, count);
  counts_ = AllocateArray<uint32_t>(allocator, fanout + 1);
  if (has_means()) {
    scratch_ = AllocateArray<float>(allocator, context_->layout().dim);
    sums_ = AllocateArray<double>(allocator, size_t{fanout} * context_->layout().dim);
  }
  queries_ = AllocateArray<Query>(allocator, fanout + size_t{fanout} * fanout);
  SplitMix64 random(seed);
  // Without these the sample has too few that may be pivots.
  const auto fit =
      static_cast<uint32_t>(std::stable_partition(sample, sample + count,
                                                  [&](CollectedRow* row) { return IsPivot(row); }) -
                            sample);
  if (fit < count / 2) return;

  const Part all = {sample, fit, 0, fanout};
  Divide(all, &random);
  uint32_t first_of[kMostGroups + 1];
  Group(all, first_of);
  head_->groups = fanout;
  for (uint32_t i = 0; i < fanout; i++) {
    const uint32_t rows = first_of[i + 1] - first_of[i];
    const uint32_t leaves = std::clamp(rows / kRowsPerLeaf, 1u, fanout);
    const Part part = {sample + first_of[i], rows, fanout + head_->first_leaf[i], leaves};
    head_->first_leaf[i + 1] = head_->first_leaf[i] + leaves;
    if (leaves > 1) Divide(part, &random);
  }
}

void RowOrder::Open(uint64_t piece) {
  if (head_ != nullptr) return;
  head_ = reinterpret_cast<Head*>(space_.Map(SpaceOffset(SpaceRegion::kOrder, 0, 0), piece));
  pivot_bytes_ = head_->pivot_bytes;
  if (leaves() == 1) return;
  queries_ = AllocateArray<Query>(context_->allocator, head_->groups + leaves());
  for (uint32_t i = 0; i < head_->groups; i++) {
    OpenPivot(i);
    const uint32_t first = head_->first_leaf[i];
    const uint32_t end = head_->first_leaf[i + 1];
    if (end - first == 1) continue;
    for (uint32_t j = first; j < end; j++) OpenPivot(head_->groups + j);
  }
}

bool RowOrder::IsPivot(CollectedRow* row) const {
  return has_means() || RowBytes(row) <= pivot_bytes_;
}

void RowOrder::SetPivot(uint32_t pivot, CollectedRow* row) {
  if (has_means()) {
    Decode(*context_->kernels, *context_->index, row->bytes(), row->scale,
           reinterpret_cast<float*>(PivotAt(pivot)));
  } else {
    memcpy(PivotAt(pivot), row, RowBytes(row));
  }
  SetBias(pivot, StoredSize(*context_->kernels, *context_->index, row->vector(), scratch_));
  OpenPivot(pivot);
}

void RowOrder::OpenPivot(uint32_t pivot) {
  Query& query = queries_[pivot];
  query = {};
  auto* row = reinterpret_cast<CollectedRow*>(PivotAt(pivot));
  switch (context_->layout().form) {
    case QUIVER_FORM_DENSE:
      query.vector = reinterpret_cast<const float*>(PivotAt(pivot));
      break;
    case QUIVER_FORM_BITS:
      query.bits = row->bytes();
      break;
    case QUIVER_FORM_SPARSE:
      query.sparse = quiver_sparse_prepare(
          AllocateArray<uint64_t>(context_->allocator,
                                  (quiver_sparse_query_bytes(row->entries) + 7) / 8),
          SparseIndices(row->vector()), SparseValues(row->vector()), row->entries);
      break;
  }
}

// Makes the part's pivots.
void RowOrder::Divide(const Part& part, SplitMix64* random) {
  for (uint32_t i = 0; i < part.pivots; i++) {
    std::swap(part.rows[i], part.rows[i + random->Next() % (part.count - i)]);
    SetPivot(part.first_pivot + i, part.rows[i]);
  }
  for (int i = 0; i < kIterations && has_means(); i++) {
    context_->store.Poll();
    Assign(part);
    MoveToMeans(part);
  }
  Chain(part);
}

void RowOrder::Assign(const Part& part) {
  for (uint32_t i = 0; i < part.count; i++)
    assigned_[i] = Nearest(part.rows[i]->vector(), part.first_pivot, part.pivots);
}

void RowOrder::MoveToMeans(const Part& part) {
  const uint32_t dim = context_->layout().dim;
  std::fill_n(sums_, size_t{part.pivots} * dim, 0.0);
  std::fill_n(counts_, part.pivots, 0u);
  for (uint32_t i = 0; i < part.count; i++) {
    CollectedRow* row = part.rows[i];
    Decode(*context_->kernels, *context_->index, row->bytes(), row->scale, scratch_);
    double* sum = sums_ + size_t{assigned_[i]} * dim;
    for (uint32_t j = 0; j < dim; j++) sum[j] += static_cast<double>(scratch_[j]);
    counts_[assigned_[i]]++;
  }
  for (uint32_t i = 0; i < part.pivots; i++) {
    if (counts_[i] == 0) continue;
    auto* pivot = reinterpret_cast<float*>(PivotAt(part.first_pivot + i));
    for (uint32_t j = 0; j < dim; j++)
      pivot[j] = static_cast<float>(sums_[size_t{i} * dim + j] / counts_[i]);
    head_->bias[part.first_pivot + i] = context_->kernels->ip_f32(pivot, pivot, dim);
  }
}

// Orders the part's pivots: after each comes the nearest of those left.
void RowOrder::Chain(const Part& part) {
  uint8_t* spare = AllocateArray<uint8_t>(context_->allocator, pivot_bytes_);
  for (uint32_t i = 1; i + 1 < part.pivots; i++) {
    const uint32_t at = part.first_pivot + i;
    uint32_t next = at;
    float least = std::numeric_limits<float>::infinity();
    for (uint32_t j = at; j < part.first_pivot + part.pivots; j++) {
      const float nearness = PivotNearness(at - 1, j);
      if (!(nearness < least)) continue;
      least = nearness;
      next = j;
    }
    if (next == at) continue;
    memcpy(spare, PivotAt(at), pivot_bytes_);
    memcpy(PivotAt(at), PivotAt(next), pivot_bytes_);
    memcpy(PivotAt(next), spare, pivot_bytes_);
    std::swap(head_->bias[at], head_->bias[next]);
    // A sparse one points nowhere, and is large; the others point to the pivot.
    if (context_->layout().form == QUIVER_FORM_SPARSE) std::swap(queries_[at], queries_[next]);
  }
}

void RowOrder::Group(const Part& part, uint32_t* first_of) {
  Assign(part);
  std::fill_n(first_of, part.pivots + 1, 0u);
  for (uint32_t i = 0; i < part.count; i++) first_of[assigned_[i] + 1]++;
  for (uint32_t i = 0; i < part.pivots; i++) first_of[i + 1] += first_of[i];
  std::copy_n(first_of, part.pivots, counts_);
  for (uint32_t i = 0; i < part.count; i++) grouped_[counts_[assigned_[i]]++] = part.rows[i];
  std::copy_n(grouped_, part.count, part.rows);
}

float RowOrder::Nearness(uint32_t pivot, const StoredVector& vector) const {
  const float distance = Distance(*context_->kernels, *context_->index, queries_[pivot], vector);
  // Squared Euclidean, but for the vector's own length.
  return context_->index->metric == QUIVER_METRIC_IP ? 2 * distance + head_->bias[pivot] : distance;
}

float RowOrder::PivotNearness(uint32_t from, uint32_t to) const {
  if (!has_means()) return Nearness(from, reinterpret_cast<CollectedRow*>(PivotAt(to))->vector());
  return context_->kernels->l2sq_f32(queries_[from].vector, queries_[to].vector,
                                     context_->layout().dim);
}

uint32_t RowOrder::Nearest(const StoredVector& vector, uint32_t first, uint32_t count) const {
  uint32_t nearest = 0;
  float least = std::numeric_limits<float>::infinity();
  for (uint32_t i = 0; i < count; i++) {
    const float nearness = Nearness(first + i, vector);
    if (!(nearness < least)) continue;
    least = nearness;
    nearest = i;
  }
  return nearest;
}

uint32_t RowOrder::LeafOf(const StoredVector& vector) const {
  if (leaves() == 1) return 0;
  const uint32_t group = Nearest(vector, 0, head_->groups);
  const uint32_t first = head_->first_leaf[group];
  const uint32_t count = head_->first_leaf[group + 1] - first;
  return count == 1 ? first : first + Nearest(vector, head_->groups + first, count);
}

}  // namespace quiver
