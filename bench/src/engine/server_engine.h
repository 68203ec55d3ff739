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
  // Beside what AccessMethod takes: label=, with= (index options, joined by "+").
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
  size_t dim() const { return dim_; }

  // A session with this engine's settings: its index (or none), no parallel scan.
  std::unique_ptr<PgConnection> NewSession(bool choose_plan_freely = false) const;
  // The statement that makes a session search with `ef`.
  std::string SetEfSql(int ef) const;

 private:
  EngineContext context_;
  std::string label_;
  std::string with_;
  bool with_index_;
  bool fresh_;  // builds its index anew even where others are reused
  ServerTable table_;
  Metric metric_ = Metric::kL2;
  size_t base_rows_ = 0;
  size_t dim_ = 0;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_SERVER_ENGINE_H
