#include "pg/server_setting.h"

#include <unistd.h>

#include <exception>

#include "base/failure.h"
#include "base/stopwatch.h"
#include "pg/pg_connection.h"

namespace quiver::bench {

namespace {
constexpr double kPatience = 10;  // seconds for a reload
}

ServerSetting::ServerSetting(std::string conninfo, std::string name, const std::string& value)
    : conninfo_(std::move(conninfo)), name_(std::move(name)) {
  PgConnection session(conninfo_);
  former_ = *session.Value("SHOW " + name_);
  altered_before_ =
      session
          .Value("SELECT 1 FROM pg_catalog.pg_settings WHERE name = " + QuoteLiteral(name_) +
                 " AND sourcefile LIKE '%postgresql.auto.conf'")
          .has_value();
  Apply("ALTER SYSTEM SET " + name_ + " = " + QuoteLiteral(value), value);
}

ServerSetting::~ServerSetting() {
  try {
    Apply(altered_before_ ? "ALTER SYSTEM SET " + name_ + " = " + QuoteLiteral(former_)
                          : "ALTER SYSTEM RESET " + name_,
          former_);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{} could not be set back: {}\n", name_, error.what());
  }
}

void ServerSetting::Apply(const std::string& sql, const std::string& value) const {
  PgConnection session(conninfo_);
  session.Exec(sql);
  session.Exec("SELECT pg_catalog.pg_reload_conf()");
  Stopwatch watch;
  while (*PgConnection(conninfo_).Value("SHOW " + name_) != value) {
    if (watch.Seconds() > kPatience) Fail("{} is not \"{}\" after a reload", name_, value);
    usleep(20000);
  }
}

}  // namespace quiver::bench
