#include "fakes/damaged_index.h"

#include "base/random.h"

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
                 const Vector* query) {
  Cursor cursor(file, index, options, query);
  Limit(&cursor.store());
  while (cursor.Next().has_value()) continue;
  return Judge("scan", cursor.error());
}

}  // namespace

MemoryIndex IndexOfAllPageKinds(uint32_t dim, QuiverMetric metric) {
  MemoryIndex index(ParamsOf(dim, metric));
  index.SetListLimit(4);
  uint32_t row = 0;
  const auto insert = [&](const Vector& vector) { index.InsertAll({vector}, row++); };
  const std::vector<Vector> rows = GaussianVectors(81, 2000, dim);
  // Rows that reach the upper layers come by their random bits.
  while (index.partition().entry_level < 1 || index.partition().state != PartitionState::kDraining)
    insert(rows[row % rows.size()]);
  for (int i = 0; i < 5; i++) insert({});
  for (int i = 0; i < 5; i++) insert(Vector(dim, 0.0f));
  for (int i = 0; i < 8; i++) insert(rows[row % 3]);
  return index;
}

std::string UseDamaged(const MemoryFile& file, const QuiverIndexParams& params, uint64_t seed) {
  MemoryIndex index(params);
  while (index.file()->block_count() < file.block_count()) index.file()->Extend();
  for (uint32_t block = 0; block < file.block_count(); block++)
    index.file()->Overwrite(block, 0, file.Copy(block).data(), QUIVER_BLOCK_SIZE);
  std::string wrong = Judge("open", index.Open());
  if (!wrong.empty() || index.index() == nullptr) return wrong;
  // Vectors come from the access method with the index's own dimension.
  const uint32_t dim = quiver_index_dim(index.index());
  const std::vector<Vector> vectors = GaussianVectors(seed, 8, dim);

  for (const auto iterative :
       {QUIVER_ITERATIVE_OFF, QUIVER_ITERATIVE_RELAXED, QUIVER_ITERATIVE_STRICT})
    wrong += Scan(index.file(), index.index(), OptionsOf(10, iterative, 64 * 1024), &vectors[0]);
  wrong += Scan(index.file(), index.index(), OptionsOf(), nullptr);
  for (uint32_t i = 0; i < vectors.size(); i++) {
    MemoryStore store(index.file());
    Limit(&store);
    wrong += Judge("insert", index.InsertWith(&store, 9000 + i, i == 4 ? Vector() : vectors[i]));
  }
  MemoryStore store(index.file());
  Limit(&store);
  wrong +=
      Judge("vacuum", index.Delete([](uint32_t row) { return row % 3 == 1; }, nullptr, &store));
  return wrong;
}

}  // namespace quiver::fakes
