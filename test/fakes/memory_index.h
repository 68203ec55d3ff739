// An index in memory, driven through core_api.h as an access method would.
// Rows are named by numbers, which stand for heap addresses.
#ifndef QUIVER_FAKES_MEMORY_INDEX_H
#define QUIVER_FAKES_MEMORY_INDEX_H

#include <functional>
#include <optional>
#include <string>

#include "fakes/memory_store.h"
#include "fakes/value.h"
#include "page/meta.h"

namespace quiver::fakes {

QuiverTid TidOf(uint32_t row);
uint32_t RowOf(QuiverTid tid);

struct Hit {
  uint32_t row;
  QuiverRowKind kind;
  double distance;
  bool sure;
};

// Of dense vectors, or of bit strings where the metric is one of theirs.
QuiverIndexParams ParamsOf(uint32_t dim, QuiverMetric metric = QUIVER_METRIC_L2, int m = 16,
                           QuiverStorage storage = QUIVER_STORAGE_AUTO);
QuiverIndexParams SparseParamsOf(uint32_t dim, QuiverMetric metric = QUIVER_METRIC_L2, int m = 16);
QuiverScanOptions OptionsOf(int ef_search = 40,
                            QuiverIterativeScan iterative = QUIVER_ITERATIVE_RELAXED,
                            size_t memory_limit = size_t{4} << 20);

// Seeded values of the index's form: normal components, random bits, or 1 to 60
// sparse entries.
std::vector<Value> RandomValues(const QuiverIndexParams& params, uint64_t seed, size_t count);

// "" or what the error says.
std::string Describe(const std::optional<QuiverError>& error);

// A scan in steps.
class Cursor {
 public:
  // query nullptr: every row.
  template <class Query>
  Cursor(MemoryFile* file, const QuiverIndex* index, const QuiverScanOptions& options,
         const Query* query, Interleaver* interleaver = nullptr)
      : Cursor(file, index, options, query == nullptr ? Value() : Value(*query), interleaver) {}
  // A NULL query: every row.
  Cursor(MemoryFile* file, const QuiverIndex* index, const QuiverScanOptions& options,
         const Value& query, Interleaver* interleaver = nullptr);

  // The next row; nothing at the end or after an error.
  std::optional<Hit> Next();
  // The row that Next has just returned is dead to everybody.
  void Kill();
  // Sets the hints that are pending, as at the end of a scan.
  void Finish();
  const std::optional<QuiverError>& error() const { return error_; }
  QuiverScanStats stats() const;
  MemoryStore& store() { return store_; }

 private:
  MemoryStore store_;
  QuiverScanOptions options_;
  const QuiverIndex* index_;
  Value query_;
  QuiverScan* scan_ = nullptr;
  std::optional<QuiverError> error_;
};

// What quiver_verify finds, and the rows it meets.
struct Verdict {
  std::vector<QuiverFinding> findings;
  std::vector<uint32_t> rows;
  std::optional<QuiverError> error;

  // Errors, or warnings, found.
  size_t Count(QuiverSeverity severity) const;
  // "" or all errors and warnings, and how the call ended.
  std::string Complaints() const;
  // The figure of that name; fails the program where there is none.
  uint64_t Figure(const std::string& text) const;
};

class MemoryIndex {
 public:
  // An index on an empty table.
  explicit MemoryIndex(const QuiverIndexParams& params);
  // An index built over rows 0 ..; an empty vector is NULL.
  MemoryIndex(const QuiverIndexParams& params, const std::vector<Vector>& rows)
      : MemoryIndex(params, ValuesOf(rows)) {}
  MemoryIndex(const QuiverIndexParams& params, const std::vector<Value>& rows);
  // A copy of the pages, opened anew.
  MemoryIndex(const MemoryIndex& other);
  MemoryIndex(const MemoryFile& file, const QuiverIndexParams& params);

  MemoryFile* file() { return &file_; }
  const QuiverIndexParams& params() const { return params_; }
  // Opens the file; the error where it cannot be.
  std::optional<QuiverError> Open();
  // nullptr where it could not be opened.
  const QuiverIndex* index() const;

  // REQUIRES: it could be opened.
  const NodeLayout& layout() const;
  std::vector<uint32_t> PagesOf(PageKind kind) const;

  // Pages the list may have before it drains into the graph; few make a graph early.
  void SetListLimit(uint32_t pages);
  Partition partition() const;

  // What inserts are told about rows of the same vector.
  void SetExpectsTwins(bool expects) { expects_twins_ = expects; }

  std::optional<QuiverError> Insert(uint32_t row, const Value& value);
  // The same with a store of the caller's.
  std::optional<QuiverError> InsertWith(MemoryStore* store, uint32_t row, const Value& value);
  template <class Row = Vector>
  void InsertAll(const std::vector<Row>& rows, uint32_t first = 0) {
    for (const Row& row : rows) InsertSurely(first++, row);
  }

  // Up to `limit` rows.
  std::vector<Hit> Search(const Value& query, const QuiverScanOptions& options,
                          size_t limit = SIZE_MAX, std::optional<QuiverError>* error = nullptr);
  std::vector<Hit> Everything(std::optional<QuiverError>* error = nullptr);

  std::optional<QuiverError> Delete(const std::function<bool(uint32_t)>& is_dead,
                                    QuiverVacuumStats* stats = nullptr,
                                    MemoryStore* store = nullptr);
  // What comes after it: the graph is repaired.
  std::optional<QuiverError> Cleanup(QuiverVacuumStats* stats = nullptr,
                                     MemoryStore* store = nullptr);
  // Both.
  std::optional<QuiverError> Vacuum(const std::function<bool(uint32_t)>& is_dead,
                                    QuiverVacuumStats* stats = nullptr);

  // Whether it could be opened or not.
  Verdict Verify(bool full = true, MemoryStore* store = nullptr);

 private:
  std::vector<Hit> Drain(Cursor* cursor, size_t limit, std::optional<QuiverError>* error);
  void Build(const std::vector<Value>& rows);
  void InsertSurely(uint32_t row, const Value& value);

  QuiverIndexParams params_;
  MemoryFile file_;
  std::vector<uint64_t> opened_;  // a copy of the open index, as a relation cache keeps it
  bool expects_twins_ = false;
  uint32_t target_ = QUIVER_INVALID_BLOCK;
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_MEMORY_INDEX_H
