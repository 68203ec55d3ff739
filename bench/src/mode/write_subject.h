// What the write modes share: an engine whose table changes, and what the table holds meanwhile.
#ifndef QUIVER_BENCH_MODE_WRITE_SUBJECT_H
#define QUIVER_BENCH_MODE_WRITE_SUBJECT_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/smallest_ef.h"
#include "client/write_load.h"
#include "engine/server_engine.h"
#include "report/markdown_report.h"
#include "truth/row_pool.h"

namespace quiver::bench {

struct WriteSettings {
  std::string data;
  int k = 10;
  double recall = 0.95;   // decides each engine's ef, on the rows present at first
  int cpu = 0;            // of one client and its backend
  std::vector<int> cpus;  // of many
  BuildSettings build;
  EngineContext context;
  std::string load;  // average at the start

  // The options that all write modes have.
  WriteSettings(const CommandLine& options, const std::string& default_data);
};

class WriteSubject {
 public:
  // The engine with a table of its own that no other mode keeps; without an index it is the table
  // alone, what the heap costs by itself.
  WriteSubject(const std::string& spec, const WriteSettings& settings, bool with_index = true);
  ~WriteSubject();  // drops the table

  const std::string& label() const { return label_; }
  ServerEngine& engine() { return *engine_; }
  RowPool& pool() { return *pool_; }
  bool has_index() const { return engine_->max_ef() > 0; }
  int ef() const { return choice_->ef; }
  std::string EfText() const { return has_index() ? choice_->Text(*engine_) : "-"; }

  // A fresh table of the first `present` rows, `prepare` (SQL, "{}" for its name) and the index;
  // autovacuum never sees the table.  The first time settles ef.
  void Build(const Dataset& dataset, size_t present, const std::string& prepare = "");

  // Over all queries of the pool, against its live rows; nothing without an index.
  std::optional<double> Recall(const GroundTruth& truth);
  std::optional<double> Recall() { return Recall(pool_->Truth(static_cast<size_t>(s_.k))); }
  // Over other queries, which are not the pool's.
  std::optional<double> RecallOf(const Matrix& queries);
  double IndexBytes();

  // These take their seconds, in one process pinned as a single client is.
  double Delete(const std::vector<int64_t>& ids);
  double Vacuum();  // the index's cleanup never left out, the table never truncated
  double Reindex();
  double CopyIn(const std::vector<int64_t>& ids);  // rows of the pool, in this order
  // CPU seconds that the last Vacuum or Reindex took; nothing where it cannot be known.
  const std::optional<double>& last_cpu() const { return last_cpu_; }

  // One client, pinned with its backend; or several.  What was written goes to the pool.
  WriteLoad Write(WriteKind kind, const std::function<WrittenRow(size_t)>& source,
                  const WriteLoadSettings& settings, int clients = 1);

 private:
  std::unique_ptr<PgConnection> PinnedSession();
  std::optional<double> RecallAgainst(const Dataset& dataset, const GroundTruth& truth);
  double Timed(const std::string& sql);

  const WriteSettings& s_;
  std::string label_;
  std::unique_ptr<ServerEngine> engine_;
  std::unique_ptr<RowPool> pool_;
  std::optional<EfChoice> choice_;
  std::optional<double> last_cpu_;
};

using WriteSubjects = std::vector<std::unique_ptr<WriteSubject>>;

// Those of the command line.
WriteSubjects SubjectsOf(const CommandLine& options, const WriteSettings& settings,
                         const std::string& mode);
// The table that has no index, with the types of the first engine.
std::unique_ptr<WriteSubject> TableAlone(const CommandLine& options, const WriteSettings& settings);

// Heading, command and how it was measured; `facts` first.
void Introduce(const std::string& mode, const CommandLine& options, const WriteSettings& settings,
               const Dataset& dataset, const WriteSubjects& subjects,
               const std::vector<std::string>& facts, MarkdownReport* report);

std::string RecallText(const std::optional<double>& recall);
std::string IndexText(WriteSubject* subject);
// ids in an order drawn at random, the first `count` of them.
std::vector<int64_t> Drawn(std::vector<int64_t> ids, size_t count, uint64_t seed);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_MODE_WRITE_SUBJECT_H
