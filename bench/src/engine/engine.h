// What is measured: something that builds an index over a data set and searches it.
#ifndef QUIVER_BENCH_ENGINE_ENGINE_H
#define QUIVER_BENCH_ENGINE_ENGINE_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "base/latency_summary.h"
#include "data/dataset.h"

namespace quiver::bench {

struct BuildSettings {
  int m = 16;
  int ef_construction = 64;
  std::string memory = "4GB";  // maintenance_work_mem
  int workers = 0;             // max_parallel_maintenance_workers; threads for Faiss and hnswlib: 1
  bool reuse = false;          // keep a table and index of the same settings from a former run
  std::string cache_dir;
};

struct BuildReport {
  double load_seconds = 0;                  // 0 where rows are not copied
  double build_seconds = 0;                 // of the index alone
  std::optional<double> build_cpu_seconds;  // CPU time of the process that built it
  double index_bytes = 0;
  bool reused = false;  // the seconds are those of the run that built it
};

// What one search costs inside the server, as means over some queries.
struct ServerCost {
  double query_buffers = 0;  // EXPLAIN (ANALYZE, BUFFERS): hit + read, the whole query
  double scan_buffers = 0;   // the same, of the scan node
  double index_blocks = 0;   // pg_statio_all_indexes: blocks of the index alone
  std::optional<double> executor_seconds;  // pg_stat_statements: mean_exec_time
  std::optional<double> cpu_seconds;       // CPU time of the backend, protocol included
};

struct InsertReport {
  size_t rows = 0;
  double seconds = 0;
  LatencySummary latency;
};

// One client.  Not shared between threads.
class Searcher {
 public:
  virtual ~Searcher() = default;
  virtual void SetEf(int ef) = 0;
  // Fills k ids, nearest first, kNoRow where fewer came.
  virtual void Search(const float* query, int64_t* ids) = 0;
  // Binds what works for this searcher, beside the calling thread, to the CPU.
  virtual bool Pin(int cpu) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual const std::string& label() const = 0;
  // One line for the report: version, access method, how it was compiled.
  virtual std::string Description() = 0;
  // 0 when there is nothing to tune (exact scan).
  virtual int max_ef() const = 0;
  // The ef that the user fixed for searches of k rows: 0 leaves the engine's own; nothing where it
  // is to be found by the recall.
  virtual std::optional<int> GivenEf(int k) const {
    (void)k;
    return std::nullopt;
  }
  virtual bool on_server() const = 0;

  virtual BuildReport Build(const Dataset& dataset, const BuildSettings& settings) = 0;
  // REQUIRES: Build.
  virtual std::unique_ptr<Searcher> NewSearcher(int k) = 0;

  // Only engines on a server answer the next three.
  virtual std::optional<ServerCost> MeasureServer(const Matrix& queries, int k, int ef) {
    (void)queries, (void)k, (void)ef;
    return std::nullopt;
  }
  // Adds rows one by one, a transaction each.  The table no longer matches the data set then.
  virtual std::optional<InsertReport> Insert(const Matrix& rows) {
    (void)rows;
    return std::nullopt;
  }
  // Whether the planner takes the index without being told; empty where there is no planner.
  virtual std::string PlannersChoice(const Matrix& queries, int k) {
    (void)queries, (void)k;
    return "";
  }
};

struct EngineContext {
  std::string conninfo;
  std::vector<std::string> session_settings;  // "name=value"
};

// `specs` in the order of the command line: exact, hnswlib, faiss, or an access method's name.
std::vector<std::unique_ptr<Engine>> MakeEngines(const std::vector<std::string>& specs,
                                                 const EngineContext& context);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_ENGINE_H
