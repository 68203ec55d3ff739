// A setting of the whole server, changed while this lives.
#ifndef QUIVER_BENCH_PG_SERVER_SETTING_H
#define QUIVER_BENCH_PG_SERVER_SETTING_H

#include <string>

namespace quiver::bench {

class ServerSetting {
 public:
  // ALTER SYSTEM and a reload; returns when new sessions see the value.  The setting must be one
  // that a reload changes.
  ServerSetting(std::string conninfo, std::string name, const std::string& value);
  // Back to what it was.
  ~ServerSetting();
  ServerSetting(const ServerSetting&) = delete;
  ServerSetting& operator=(const ServerSetting&) = delete;

 private:
  void Apply(const std::string& sql, const std::string& value) const;

  std::string conninfo_, name_;
  std::string former_;
  bool altered_before_;  // `former_` came from ALTER SYSTEM too
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_SERVER_SETTING_H
