#include "fakes/memory_index.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/random.h"
#include "graph/index.h"

namespace quiver::fakes {

namespace {

constexpr uint32_t kRowsPerHeapPage = 100;

// What must not happen in a helper of tests.
void Expect(const std::optional<QuiverError>& error, const char* what) {
  if (!error.has_value()) return;
  fprintf(stderr, "%s: %s\n", what, Describe(error).c_str());
  abort();
}

}  // namespace

QuiverTid TidOf(uint32_t row) {
  return {row / kRowsPerHeapPage, static_cast<uint16_t>(row % kRowsPerHeapPage + 1)};
}
uint32_t RowOf(QuiverTid tid) {
  return tid.block * kRowsPerHeapPage + tid.offset - 1;
}

QuiverIndexParams ParamsOf(uint32_t dim, QuiverMetric metric, int m, QuiverStorage storage) {
  const bool of_bits = metric == QUIVER_METRIC_HAMMING || metric == QUIVER_METRIC_JACCARD;
  return {dim,  of_bits ? QUIVER_FORM_BITS : QUIVER_FORM_DENSE, metric, storage, m, 64, 0x5EED,
          16385};
}

QuiverIndexParams SparseParamsOf(uint32_t dim, QuiverMetric metric, int m) {
  return {dim, QUIVER_FORM_SPARSE, metric, QUIVER_STORAGE_AUTO, m, 64, 0x5EED, 16385};
}

QuiverScanOptions OptionsOf(int ef_search, QuiverIterativeScan iterative, size_t memory_limit) {
  return {ef_search, iterative, 0, memory_limit, false, std::numeric_limits<double>::infinity(),
          true};
}

std::vector<Value> RandomValues(const QuiverIndexParams& params, uint64_t seed, size_t count) {
  switch (params.form) {
    case QUIVER_FORM_BITS:
      return BitStrings(seed, count, params.dim, 0, 0);
    case QUIVER_FORM_SPARSE:
      return SparseVectors(seed, count, params.dim, {1, 7, 20, 33, 60}, 100);
    case QUIVER_FORM_DENSE:
      break;
  }
  return ValuesOf(GaussianVectors(seed, count, params.dim));
}

std::string Describe(const std::optional<QuiverError>& error) {
  if (!error.has_value()) return "";
  return std::to_string(error->code) + " at block " + std::to_string(error->block) + ": " +
         error->detail + " (" + std::to_string(error->value) + ")";
}

Cursor::Cursor(MemoryFile* file, const QuiverIndex* index, const QuiverScanOptions& options,
               const Value& query, Interleaver* interleaver)
    : store_(file, interleaver), options_(options), index_(index), query_(query) {}

std::optional<Hit> Cursor::Next() {
  if (error_.has_value()) return std::nullopt;
  QuiverRow row;
  bool found = false;
  error_ = store_.Run([&] {
    if (scan_ == nullptr) {
      const QuiverValue query = query_.view();
      scan_ = quiver_scan_begin(store_.callbacks(), index_, &options_,
                                query_.is_null() ? QUIVER_SCAN_ALL : QUIVER_SCAN_NEAREST,
                                query_.is_null() ? nullptr : &query);
    }
    found = quiver_scan_next(scan_, &row);
  });
  if (error_.has_value() || !found) return std::nullopt;
  return Hit{RowOf(row.tid), row.kind, row.distance, row.sure};
}

void Cursor::Kill() {
  if (!error_.has_value()) error_ = store_.Run([&] { quiver_scan_kill(scan_); });
}

void Cursor::Finish() {
  if (!error_.has_value() && scan_ != nullptr)
    error_ = store_.Run([&] { quiver_scan_finish(scan_); });
}

QuiverScanStats Cursor::stats() const {
  return scan_ == nullptr ? QuiverScanStats{} : *quiver_scan_stats(scan_);
}

MemoryIndex::MemoryIndex(const QuiverIndexParams& params) : params_(params) {
  Build({});
}

MemoryIndex::MemoryIndex(const QuiverIndexParams& params, const std::vector<Value>& rows)
    : params_(params) {
  Build(rows);
}

MemoryIndex::MemoryIndex(const MemoryIndex& other) : MemoryIndex(other.file_, other.params_) {}

MemoryIndex::MemoryIndex(const MemoryFile& file, const QuiverIndexParams& params)
    : params_(params), file_(file) {
  Expect(Open(), "open");
}

void MemoryIndex::Build(const std::vector<Value>& rows) {
  MemoryStore store(&file_);
  Expect(store.Run([&] {
    QuiverBuild* build = quiver_build_begin(store.callbacks(), &params_);
    for (uint32_t i = 0; i < rows.size(); i++) {
      const QuiverValue value = rows[i].view();
      quiver_build_add(build, TidOf(i), rows[i].is_null() ? nullptr : &value);
    }
    quiver_build_link(build, nullptr, nullptr);
    quiver_build_write(
        build,
        [](void* file, uint32_t, const uint8_t* page) {
          static_cast<MemoryFile*>(file)->Extend(page);
        },
        &file_);
  }),
         "build");
  Expect(Open(), "open");
}

std::optional<QuiverError> MemoryIndex::Open() {
  MemoryStore store(&file_);
  opened_.clear();
  const QuiverIndex* index = nullptr;
  std::optional<QuiverError> error =
      store.Run([&] { index = quiver_index_open(store.callbacks()); });
  if (error.has_value()) return error;
  opened_.resize((quiver_index_bytes(index) + 7) / 8);
  memcpy(opened_.data(), index, quiver_index_bytes(index));
  return std::nullopt;
}

const QuiverIndex* MemoryIndex::index() const {
  return opened_.empty() ? nullptr : reinterpret_cast<const QuiverIndex*>(opened_.data());
}

const NodeLayout& MemoryIndex::layout() const {
  return index()->layout;
}

std::vector<uint32_t> MemoryIndex::PagesOf(PageKind kind) const {
  std::vector<uint32_t> blocks;
  for (uint32_t block = 0; block < file_.block_count(); block++)
    if (IsPageOf(file_.Copy(block).data(), kind)) blocks.push_back(block);
  return blocks;
}

void MemoryIndex::SetListLimit(uint32_t pages) {
  file_.Overwrite(kMetaBlock, kPageHeaderBytes + offsetof(MetaData, list_limit), &pages,
                  sizeof pages);
  Expect(Open(), "open");
}

Partition MemoryIndex::partition() const {
  return Meta(static_cast<const uint8_t*>(file_.Copy(kMetaBlock).data()))->partition;
}

std::optional<QuiverError> MemoryIndex::InsertWith(MemoryStore* store, uint32_t row,
                                                   const Value& value) {
  const QuiverValue view = value.view();
  const QuiverInsertOptions options = {params_.ef_construction, expects_twins_,
                                       SplitMix64(row).Next()};
  return store->Run([&] {
    quiver_insert(store->callbacks(), index(), &options, TidOf(row),
                  value.is_null() ? nullptr : &view);
  });
}

std::optional<QuiverError> MemoryIndex::Insert(uint32_t row, const Value& value) {
  MemoryStore store(&file_);
  store.set_target(target_);
  std::optional<QuiverError> error = InsertWith(&store, row, value);
  target_ = store.target();
  return error;
}

void MemoryIndex::InsertSurely(uint32_t row, const Value& value) {
  Expect(Insert(row, value), "insert");
}

std::vector<Hit> MemoryIndex::Drain(Cursor* cursor, size_t limit,
                                    std::optional<QuiverError>* error) {
  std::vector<Hit> hits;
  while (hits.size() < limit) {
    const std::optional<Hit> hit = cursor->Next();
    if (!hit.has_value()) break;
    hits.push_back(*hit);
  }
  if (error != nullptr)
    *error = cursor->error();
  else
    Expect(cursor->error(), "scan");
  return hits;
}

std::vector<Hit> MemoryIndex::Search(const Value& query, const QuiverScanOptions& options,
                                     size_t limit, std::optional<QuiverError>* error) {
  Cursor cursor(&file_, index(), options, query);
  return Drain(&cursor, limit, error);
}

std::vector<Hit> MemoryIndex::Everything(std::optional<QuiverError>* error) {
  Cursor cursor(&file_, index(), OptionsOf(), Value());
  return Drain(&cursor, SIZE_MAX, error);
}

std::optional<QuiverError> MemoryIndex::Delete(const std::function<bool(uint32_t)>& is_dead,
                                               QuiverVacuumStats* stats, MemoryStore* store) {
  MemoryStore own(&file_);
  if (store == nullptr) store = &own;
  QuiverVacuumStats ignored = {};
  if (stats == nullptr) stats = &ignored;
  return store->Run([&] {
    quiver_bulk_delete(
        store->callbacks(), index(),
        [](void* context, QuiverTid tid) {
          return (*static_cast<const std::function<bool(uint32_t)>*>(context))(RowOf(tid));
        },
        const_cast<std::function<bool(uint32_t)>*>(&is_dead), nullptr, stats);
  });
}

std::optional<QuiverError> MemoryIndex::Cleanup(QuiverVacuumStats* stats, MemoryStore* store) {
  MemoryStore own(&file_);
  if (store == nullptr) store = &own;
  QuiverVacuumStats ignored = {};
  if (stats == nullptr) stats = &ignored;
  return store->Run([&] {
    quiver_vacuum_cleanup(store->callbacks(), index(), params_.ef_construction, nullptr, stats);
  });
}

std::optional<QuiverError> MemoryIndex::Vacuum(const std::function<bool(uint32_t)>& is_dead,
                                               QuiverVacuumStats* stats) {
  const std::optional<QuiverError> error = Delete(is_dead, stats);
  return error.has_value() ? error : Cleanup(stats);
}

Verdict MemoryIndex::Verify(bool full, MemoryStore* store) {
  MemoryStore own(&file_);
  if (store == nullptr) store = &own;
  Verdict verdict;
  QuiverVerifyOptions options = {};
  options.form = params_.form;
  options.metric = params_.metric;
  options.dim = params_.dim;
  options.full = full;
  options.context = &verdict;
  options.finding = [](void* context, const QuiverFinding* finding) {
    static_cast<Verdict*>(context)->findings.push_back(*finding);
  };
  options.row = [](void* context, QuiverTid tid, uint32_t, int32_t) {
    static_cast<Verdict*>(context)->rows.push_back(RowOf(tid));
  };
  verdict.error = store->Run([&] { quiver_verify(store->callbacks(), &options); });
  return verdict;
}

size_t Verdict::Count(QuiverSeverity severity) const {
  return static_cast<size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [&](const QuiverFinding& finding) { return finding.severity == severity; }));
}

std::string Verdict::Complaints() const {
  std::string text = Describe(error);
  for (const QuiverFinding& finding : findings) {
    if (finding.severity == QUIVER_SEVERITY_INFO) continue;
    text += std::string(text.empty() ? "" : "; ") +
            (finding.severity == QUIVER_SEVERITY_ERROR ? "error" : "warning") + " at block " +
            std::to_string(static_cast<int32_t>(finding.block)) + ", item " +
            std::to_string(finding.item) + ": " + finding.text + " (" +
            std::to_string(finding.value) + ")";
  }
  return text;
}

uint64_t Verdict::Figure(const std::string& text) const {
  for (const QuiverFinding& finding : findings)
    if (finding.severity == QUIVER_SEVERITY_INFO && text == finding.text) return finding.value;
  fprintf(stderr, "no figure \"%s\": %s\n", text.c_str(), Complaints().c_str());
  abort();
}

}  // namespace quiver::fakes
