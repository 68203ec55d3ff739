// Fuzzes the order of operations on one small index: the input is a program of
// inserts, deletes, scans and injected faults, checked against a model.
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <set>

#include "fakes/memory_index.h"

using namespace quiver::fakes;

namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "broken: %s\n", what);
  abort();
}

// Rows of the model once, those whose insert failed at most once, no others.
void CheckRows(const std::vector<Hit>& hits, const std::set<uint32_t>& rows,
               const std::set<uint32_t>& uncertain) {
  std::map<uint32_t, int> times;
  for (const Hit& hit : hits) times[hit.row]++;
  for (const auto& [row, count] : times) {
    Check(count == 1, "a row came twice");
    Check(rows.count(row) + uncertain.count(row) != 0, "a row came that is not there");
  }
  for (const uint32_t row : rows) Check(times.count(row) != 0, "a row is missing");
}

// Each form, with and without codes, with and without chunk pages.
struct Start {
  explicit Start(const QuiverIndexParams& params)
      : index(params), values(RandomValues(params, 1, 64)) {
    if (params.form != QUIVER_FORM_SPARSE) return;
    const std::vector<Value> longer = SparseVectors(2, 8, params.dim, {600, 1200, 2500}, 0);
    std::copy(longer.begin(), longer.end(), values.begin());
  }

  MemoryIndex index;
  std::vector<Value> values;
};

const Start& StartOf(uint8_t which) {
  static const Start* const starts[] = {new Start(ParamsOf(150)),
                                        new Start(ParamsOf(6000, QUIVER_METRIC_COSINE, 8)),
                                        new Start(ParamsOf(2500, QUIVER_METRIC_L1, 4)),
                                        new Start(ParamsOf(900, QUIVER_METRIC_HAMMING, 4)),
                                        new Start(ParamsOf(9000, QUIVER_METRIC_JACCARD, 4)),
                                        new Start(SparseParamsOf(4000, QUIVER_METRIC_IP, 4))};
  return *starts[which % std::size(starts)];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 400) return 0;
  const Start& start = StartOf(data[0] / 4);
  const std::vector<Value>& values = start.values;
  MemoryIndex index(start.index);
  index.SetListLimit(1 + data[0] % 4);
  std::set<uint32_t> rows;
  std::set<uint32_t> uncertain;
  uint32_t next = 0;
  for (size_t at = 1; at + 1 < size; at += 2) {
    const uint8_t operation = data[at] % 8;
    const uint8_t operand = data[at + 1];
    if (operation < 4) {
      // 64 values, so that many rows share one; one in 16 is NULL.
      const Value value = operand % 16 == 15 ? Value() : values[operand % 64];
      MemoryStore store(index.file());
      if (operation == 3) store.FailAt(1 + operand);
      const uint32_t row = next++;
      (index.InsertWith(&store, row, value).has_value() ? uncertain : rows).insert(row);
    } else if (operation == 4) {
      const auto is_dead = [&](uint32_t row) { return row % 8 == operand % 8; };
      Check(!index.Delete(is_dead).has_value(), "vacuum failed");
      std::erase_if(rows, is_dead);
      std::erase_if(uncertain, is_dead);
      // Half of the vacuums are cancelled before the repair, or within it.
      MemoryStore store(index.file());
      if (operand % 4 == 1) store.FailAt(1 + operand * 8);
      if (operand % 4 != 3) index.Cleanup(nullptr, &store);
    } else if (operation == 5) {
      CheckRows(index.Everything(), rows, uncertain);
    } else {
      CheckRows(index.Search(values[operand % 64], OptionsOf(1 + operand % 30)), rows, uncertain);
    }
  }
  CheckRows(index.Search(values[0], OptionsOf(5)), rows, uncertain);
  CheckRows(index.Everything(), rows, uncertain);
  return 0;
}
