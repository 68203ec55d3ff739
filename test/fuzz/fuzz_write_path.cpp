// Fuzzes the order of operations on one small index: the input is a program of
// inserts, deletes, scans and injected faults, checked against a model.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "fakes/memory_index.h"

using namespace quiver::fakes;

namespace {

constexpr uint32_t kDim = 150;

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Vector>* const vectors =
      new std::vector<Vector>(GaussianVectors(1, 64, kDim));
  if (size < 2 || size > 400) return 0;
  MemoryIndex index(ParamsOf(kDim));
  index.SetListLimit(1 + data[0] % 4);
  std::set<uint32_t> rows;
  std::set<uint32_t> uncertain;
  uint32_t next = 0;
  for (size_t at = 1; at + 1 < size; at += 2) {
    const uint8_t operation = data[at] % 8;
    const uint8_t operand = data[at + 1];
    if (operation < 4) {
      // 64 vectors, so that many rows share one; one in 16 is NULL.
      const Vector vector = operand % 16 == 15 ? Vector() : (*vectors)[operand % 64];
      MemoryStore store(index.file());
      if (operation == 3) store.FailAt(1 + operand);
      const uint32_t row = next++;
      (index.InsertWith(&store, row, vector).has_value() ? uncertain : rows).insert(row);
    } else if (operation == 4) {
      const auto is_dead = [&](uint32_t row) { return row % 8 == operand % 8; };
      Check(!index.Delete(is_dead).has_value(), "vacuum failed");
      std::erase_if(rows, is_dead);
      std::erase_if(uncertain, is_dead);
    } else if (operation == 5) {
      CheckRows(index.Everything(), rows, uncertain);
    } else {
      CheckRows(index.Search((*vectors)[operand % 64], OptionsOf(1 + operand % 30)), rows,
                uncertain);
    }
  }
  CheckRows(index.Search((*vectors)[0], OptionsOf(5)), rows, uncertain);
  CheckRows(index.Everything(), rows, uncertain);
  return 0;
}
