// Sparse queries made ready, and two sparse vectors compared once.
#include "distance/sparse.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "distance/sparse_query.h"

namespace quiver {
namespace {

// Of the number of cells.
uint32_t CellBits(size_t count) {
  uint32_t bits = 6;
  while ((size_t{1} << bits) < 16 * count) bits++;
  return bits;
}

size_t ValuesAt(size_t count) {
  return offsetof(QuiverSparseQuery, keys) + (count + kCellEntries) * sizeof(uint32_t);
}

size_t CellsAt(size_t count) {
  return ValuesAt(count) + (count + kCellEntries) * sizeof(float);
}

size_t QueryBytes(size_t count) {
  return CellsAt(count) + (sizeof(uint16_t) << CellBits(count));
}

struct Table {
  uint32_t* keys;
  float* values;
  uint16_t* cells;
};

// Entries to the table, by cell: a counting sort.  False if a cell has too many.
bool SortByCell(const QuiverSparseVector& from, uint32_t shift, const Table& to) {
  const size_t cell_count = size_t{1} << (32 - shift);
  memset(to.cells, 0, cell_count * sizeof *to.cells);
  for (size_t i = 0; i < from.count; i++)
    if (++to.cells[SparseCell(from.indices[i], shift)] > kCellEntries) return false;
  size_t end = 0;
  for (size_t cell = 0; cell < cell_count; cell++) {
    end += to.cells[cell];
    to.cells[cell] = static_cast<uint16_t>(to.cells[cell] != 0 ? end : from.count);
  }
  for (size_t i = 0; i < from.count; i++) {  // a cell fills from its end to its beginning
    const uint16_t at = --to.cells[SparseCell(from.indices[i], shift)];
    to.keys[at] = from.indices[i];
    to.values[at] = from.values[i];
  }
  return true;
}

void Prepare(QuiverSparseQuery* query, const QuiverSparseVector& from) {
  *query = {};
  query->count = static_cast<uint32_t>(from.count);
  query->shift = 32 - CellBits(from.count);
  query->values_at = static_cast<uint32_t>(ValuesAt(from.count));
  query->cells_at = static_cast<uint32_t>(CellsAt(from.count));
  for (size_t i = 0; i < from.count; i++) {
    const double value = static_cast<double>(from.values[i]);
    query->squares += value * value;
    query->magnitudes += std::fabs(value);
    query->nonzero += value != 0;
    const uint32_t bit = SparseFilterBit(from.indices[i]);
    query->filter[bit / 32] |= 1u << (bit % 32);
  }
  const Table table = {query->keys, const_cast<float*>(QueryValues(query)),
                       const_cast<uint16_t*>(QueryCells(query))};
  query->hashed = SortByCell(from, query->shift, table);
  if (query->hashed == 0) {
    memcpy(table.keys, from.indices, from.count * sizeof *table.keys);
    memcpy(table.values, from.values, from.count * sizeof *table.values);
  }
  std::fill_n(table.keys + from.count, kCellEntries, kNoIndex);
  std::fill_n(table.values + from.count, kCellEntries, 0.0f);
}

struct Squared {
  static float Of(float a, float b) { return (a - b) * (a - b); }
  static double OfQuery(double q) { return q * q; }
};
struct Product {
  static float Of(float a, float b) { return a * b; }
};
struct Absolute {
  static float Of(float a, float b) { return std::fabs(a - b); }
  static double OfQuery(double q) { return std::fabs(q); }
};

inline float ValueIf(bool condition, float value) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) & -static_cast<uint32_t>(condition));
}

// One walk along both.  The one at the lower index has a term, or both at the same.
// Which it is cannot be foreseen, so nothing branches on it.
template <class Term>
float Merge(const QuiverSparseVector& a, const QuiverSparseVector& b) {
  float sum = 0;
  size_t i = 0;
  size_t j = 0;
  while (i < a.count && j < b.count) {
    const uint32_t x = a.indices[i];
    const uint32_t y = b.indices[j];
    sum += Term::Of(ValueIf(x <= y, a.values[i]), ValueIf(y <= x, b.values[j]));
    i += x <= y;
    j += y <= x;
  }
  for (; i < a.count; i++) sum += Term::Of(a.values[i], 0.0f);
  for (; j < b.count; j++) sum += Term::Of(0.0f, b.values[j]);
  return sum;
}

// The terms of the query's entries that no stored one met, `whole` being those of
// all: nothing where all were met, else the difference of two sums of doubles.  Those
// are off by at most 16,000 * 2^-53 of the whole, so a rest above 2^-12 of it is as
// exact as a float.  Below that, the entries are sought one by one.
template <class Term>
double Unmet(const QuiverSparseQuery* query, const SparseSums& sums, double whole,
             const uint32_t* indices, size_t count) {
  if (sums.nonzero == query->nonzero) return 0;
  const double rest = whole - sums.met;
  if (rest > 0x1.0p-12 * whole) return rest;
  double sum = 0;
  for (size_t i = 0; i < query->count; i++)
    if (!std::binary_search(indices, indices + count, query->keys[i]))
      sum += Term::OfQuery(static_cast<double>(QueryValues(query)[i]));
  return sum;
}

}  // namespace

float SparseTotalSquared(const QuiverSparseQuery* query, const SparseSums& sums,
                         const uint32_t* indices, size_t count) {
  return static_cast<float>(static_cast<double>(sums.stored) +
                            Unmet<Squared>(query, sums, query->squares, indices, count));
}

float SparseTotalAbsolute(const QuiverSparseQuery* query, const SparseSums& sums,
                          const uint32_t* indices, size_t count) {
  return static_cast<float>(static_cast<double>(sums.stored) +
                            Unmet<Absolute>(query, sums, query->magnitudes, indices, count));
}

}  // namespace quiver

extern "C" size_t quiver_sparse_query_bytes(size_t count) {
  return quiver::QueryBytes(count);
}

extern "C" const QuiverSparseQuery* quiver_sparse_prepare(void* memory, const uint32_t* indices,
                                                          const float* values, size_t count) {
  auto* query = static_cast<QuiverSparseQuery*>(memory);
  quiver::Prepare(query, {indices, values, count});
  return query;
}

extern "C" float quiver_sparse_pair_l2sq(QuiverSparseVector a, QuiverSparseVector b) {
  return quiver::Merge<quiver::Squared>(a, b);
}

extern "C" float quiver_sparse_pair_ip(QuiverSparseVector a, QuiverSparseVector b) {
  return quiver::Merge<quiver::Product>(a, b);
}

extern "C" float quiver_sparse_pair_l1(QuiverSparseVector a, QuiverSparseVector b) {
  return quiver::Merge<quiver::Absolute>(a, b);
}
