// One connection to the server.  Every failure is a Failure with the server's own words.
#ifndef QUIVER_BENCH_PG_PG_CONNECTION_H
#define QUIVER_BENCH_PG_PG_CONNECTION_H

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quiver::bench {

using PgResult = std::unique_ptr<PGresult, void (*)(PGresult*)>;

// A parameter in binary form.
struct PgParameter {
  Oid type;
  std::string bytes;
};

class PgConnection {
 public:
  // `conninfo` as libpq takes it; the PG* environment fills in what it leaves open.
  explicit PgConnection(const std::string& conninfo);

  PGconn* raw() const { return connection_.get(); }
  pid_t backend_pid() const { return PQbackendPID(raw()); }
  int server_version() const { return PQserverVersion(raw()); }
  // True when the server's processes are on this machine.
  bool is_local() const;

  void Exec(const std::string& sql);
  // As Exec, but a failure is only reported by false.
  bool TryExec(const std::string& sql);
  // The only value of a query's first row; nothing when there is no row or it is NULL.
  std::optional<std::string> Value(const std::string& sql);
  std::vector<std::vector<std::string>> Rows(const std::string& sql);
  // Runs with binary parameters, result as text.
  PgResult ExecBinary(const std::string& sql, const std::vector<PgParameter>& parameters);
  void Prepare(const std::string& name, const std::string& sql, const std::vector<Oid>& types);

  // Fails with the server's message unless `result` is a success.
  void Check(const PGresult* result, const std::string& sql) const;

 private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

std::string QuoteIdentifier(const std::string& name);
std::string QuoteLiteral(const std::string& text);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_PG_CONNECTION_H
