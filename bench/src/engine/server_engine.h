// An index access method of the server, or the exact scan, through SQL.
#ifndef QUIVER_BENCH_ENGINE_SERVER_ENGINE_H
#define QUIVER_BENCH_ENGINE_SERVER_ENGINE_H

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "engine/server_table.h"

namespace quiver::bench {

class ServerEngine : public Engine {
 public:
  // Beside what AccessMethod takes: label=; with= and set=, index options and session settings
  // joined by "+"; ef=; on=LABEL, the engine whose table and index this one searches.
  ServerEngine(const Spec& spec, EngineContext context, bool with_index);

  const std::string& label() const override { return label_; }
  std::string Description() override;
  int max_ef() const override { return with_index_ ? table_.am().max_ef : 0; }
  bool on_server() const override { return true; }
  BuildReport Build(const Dataset& dataset, const BuildSettings& settings) override;
  std::unique_ptr<Searcher> NewSearcher(int k) override;
  std::optional<ServerCost> MeasureServer(const Matrix& queries, int k, int ef) override;
  std::optional<InsertReport> Insert(const Matrix& rows) override;
  std::string PlannersChoice(const Matrix& queries, int k) override;

  // As Build, with `prepare` run between load and index.
  BuildReport BuildWith(const Dataset& dataset, const BuildSettings& settings,
                        const std::function<void(PgConnection*)>& prepare);

  const ServerTable& table() const { return table_; }
  Metric metric() const { return metric_; }
  // Whether its indexes are built anew even where others are reused.
  bool fresh() const { return fresh_; }
  size_t base_rows() const { return base_rows_; }
  std::optional<int> GivenEf(int k) const override;

  // A session with this engine's settings: its index (or none), no parallel scan.
  std::unique_ptr<PgConnection> NewSession(bool choose_plan_freely = false) const;
  // Makes a session search with `ef`; 0 leaves it what it is.
  void SetEf(PgConnection* session, int ef) const;

 private:
  EngineContext context_;
  std::string label_;
  std::string with_;
  std::string set_;  // settings of this engine's sessions alone
  std::string ef_;   // as given; empty: to be found
  std::string on_;   // empty: a table of its own
  bool with_index_;
  bool fresh_;  // builds its index anew even where others are reused
  ServerTable table_;
  Metric metric_ = Metric::kL2;
  size_t base_rows_ = 0;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_SERVER_ENGINE_H
