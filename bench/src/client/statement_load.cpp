#include "client/statement_load.h"

#include <cmath>

#include "base/failure.h"

namespace quiver::bench {

namespace {
constexpr char kName[] = "once";
}

StatementLoad::StatementLoad(const ServerEngine& engine, std::vector<std::string> settings,
                             std::string sql, double wait)
    : engine_(engine),
      settings_(std::move(settings)),
      sql_(std::move(sql)),
      wait_(wait),
      span_{HUGE_VAL, HUGE_VAL} {}

std::unique_ptr<PgConnection> StatementLoad::NewSession() {
  auto session = engine_.NewSession();
  for (const std::string& setting : settings_) session->Exec(setting);
  session->Prepare(kName, sql_, {});
  return session;
}

Workload::Next StatementLoad::Take(size_t, double now, std::vector<PreparedCall>* calls) {
  if (sent_) return Next::kFinished;
  if (now < wait_) return Next::kWait;
  sent_ = true;
  span_.begin = now;
  calls->push_back({kName, {}});
  return Next::kSend;
}

void StatementLoad::Answer(size_t, const PGresult*) {}

void StatementLoad::Done(size_t, double, double now) {
  span_.end = now;
}

void StatementLoad::Failed(size_t, const std::string&, const std::string& message) {
  Fail("{}while running: {}", message, sql_);
}

}  // namespace quiver::bench
