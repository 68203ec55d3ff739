#include "fakes/damaged_index.h"

#include "graph/index.h"
#include "page/list_page.h"

namespace quiver::fakes {

namespace {

// Far above what the small index takes when it is sound.
constexpr uint64_t kMostCalls = 400000;
constexpr size_t kMostMemory = size_t{64} << 20;

std::string Judge(const char* operation, const std::optional<QuiverError>& error) {
  if (!error.has_value() || error->code == QUIVER_ERROR_CORRUPTED ||
      error->code == QUIVER_ERROR_FORMAT || error->code == QUIVER_ERROR_LIMIT)
    return "";
  return std::string(operation) + ": " + Describe(error);
}

void Limit(MemoryStore* store) {
  store->FailAt(kMostCalls);
  store->set_memory_limit(kMostMemory);
}

std::string Scan(MemoryFile* file, const QuiverIndex* index, const QuiverScanOptions& options,
                 const Value& query) {
  Cursor cursor(file, index, options, query);
  Limit(&cursor.store());
  for (uint32_t i = 0; cursor.Next().has_value(); i++)
    if (i % 5 == 2) cursor.Kill();
  cursor.Finish();
  return Judge("scan", cursor.error());
}

}  // namespace

MemoryIndex IndexOfAllPageKinds(const QuiverIndexParams& params) {
  MemoryIndex index(params);
  // Long enough that it still drains when the graph has its first upper layer.
  const size_t entries = ListEntriesPerPage(index.layout());
  index.SetListLimit(4 + static_cast<uint32_t>(entries == 0 ? 0 : 120 / entries));
  uint32_t row = 0;
  const auto insert = [&](const Value& value) { index.InsertAll<Value>({value}, row++); };
  const std::vector<Value> rows = RandomValues(params, 81, 200);
  const bool has_list = index.partition().state == PartitionState::kList;
  // Rows that reach the upper layers come by their random bits.
  while (index.partition().entry_level < 1 ||
         (has_list && index.partition().state == PartitionState::kList))
    insert(row < 200 ? rows[row] : RandomValues(params, row, 1)[0]);
  // Of the sparse vectors, one that has chunks.
  if (params.form == QUIVER_FORM_SPARSE) insert(SparseVectors(82, 1, params.dim, {1500}, 0)[0]);
  for (int i = 0; i < 5; i++) insert({});
  for (int i = 0; i < 5; i++) insert(ZeroValue(params.form, params.dim));
  for (int i = 0; i < 8; i++) insert(rows[row % 3]);
  return index;
}

std::string UseDamaged(const MemoryFile& file, const QuiverIndexParams& params, uint64_t seed) {
  MemoryIndex index(params);
  while (index.file()->block_count() < file.block_count()) index.file()->Extend();
  for (uint32_t block = 0; block < file.block_count(); block++)
    index.file()->Overwrite(block, 0, file.Copy(block).data(), QUIVER_BLOCK_SIZE);
  MemoryStore verify(index.file());
  Limit(&verify);
  std::string wrong = Describe(index.Verify(true, &verify).error);
  if (!wrong.empty()) return "verify: " + wrong;
  wrong = Judge("open", index.Open());
  if (!wrong.empty() || index.index() == nullptr) return wrong;
  // Values come from the access method with the index's own form and dimension.
  QuiverIndexParams own = params;
  own.dim = quiver_index_dim(index.index());
  own.form = quiver_index_form(index.index());
  const std::vector<Value> values = RandomValues(own, seed, 8);

  for (const auto iterative :
       {QUIVER_ITERATIVE_OFF, QUIVER_ITERATIVE_RELAXED, QUIVER_ITERATIVE_STRICT})
    wrong += Scan(index.file(), index.index(), OptionsOf(10, iterative, 64 * 1024), values[0]);
  QuiverScanOptions exact = OptionsOf();
  exact.exact_order = true;
  wrong += Scan(index.file(), index.index(), exact, values[0]);
  wrong += Scan(index.file(), index.index(), OptionsOf(), {});
  for (uint32_t i = 0; i < values.size(); i++) {
    MemoryStore store(index.file());
    Limit(&store);
    wrong += Judge("insert", index.InsertWith(&store, 9000 + i, i == 4 ? Value() : values[i]));
  }
  MemoryStore store(index.file());
  Limit(&store);
  wrong +=
      Judge("vacuum", index.Delete([](uint32_t row) { return row % 3 == 1; }, nullptr, &store));
  MemoryStore repair(index.file());
  Limit(&repair);
  wrong += Judge("repair", index.Cleanup(nullptr, &repair));
  for (uint32_t i = 0; i < values.size(); i++) {
    MemoryStore later(index.file());
    Limit(&later);
    wrong += Judge("insert", index.InsertWith(&later, 9100 + i, i == 4 ? Value() : values[i]));
  }
  return wrong;
}

}  // namespace quiver::fakes
