// One client that runs one statement once, beside others whose searches and writes count meanwhile.
#ifndef QUIVER_BENCH_CLIENT_STATEMENT_LOAD_H
#define QUIVER_BENCH_CLIENT_STATEMENT_LOAD_H

#include <string>
#include <vector>

#include "client/client_loop.h"
#include "engine/server_engine.h"

namespace quiver::bench {

class StatementLoad : public Workload {
 public:
  // `settings` are run in its session first.  The statement has no transaction around it, and is
  // sent `wait` seconds after the beginning.
  StatementLoad(const ServerEngine& engine, std::vector<std::string> settings, std::string sql,
                double wait);

  std::unique_ptr<PgConnection> NewSession() override;
  Next Take(size_t client, double now, std::vector<PreparedCall>* calls) override;
  void Answer(size_t client, const PGresult* result) override;
  void Done(size_t client, double sent, double now) override;
  void Failed(size_t client, const std::string& sqlstate, const std::string& message) override;

  // From when it was sent until it was answered; neither is ever reached before that.
  const CountedSpan& span() const { return span_; }
  double seconds() const { return span_.end - span_.begin; }

 private:
  const ServerEngine& engine_;
  std::vector<std::string> settings_;
  std::string sql_;
  double wait_;
  bool sent_ = false;
  CountedSpan span_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_STATEMENT_LOAD_H
