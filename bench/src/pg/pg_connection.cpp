#include "pg/pg_connection.h"

#include "base/failure.h"

namespace quiver::bench {

namespace {

std::string Doubled(const std::string& text, char quote) {
  std::string quoted(1, quote);
  for (char c : text) {
    if (c == quote) quoted += c;
    quoted += c;
  }
  return quoted + quote;
}

}  // namespace

std::string QuoteIdentifier(const std::string& name) {
  return Doubled(name, '"');
}

// Enough for standard_conforming_strings, which PgConnection insists on.
std::string QuoteLiteral(const std::string& text) {
  return Doubled(text, '\'');
}

PgConnection::PgConnection(const std::string& conninfo)
    : connection_(PQconnectdb(conninfo.c_str()), PQfinish) {
  if (PQstatus(raw()) != CONNECTION_OK) Fail("{}", PQerrorMessage(raw()));
  PQsetNoticeProcessor(
      raw(), [](void*, const char* text) { fmt::print(stderr, "{}", text); }, nullptr);
  Exec("SET standard_conforming_strings = on");
  Exec("SET client_min_messages = warning");
}

bool PgConnection::is_local() const {
  const char* host = PQhost(raw());
  if (host == nullptr || *host == '\0' || *host == '/' || *host == '@') return true;
  std::string name = host;
  return name == "localhost" || name == "127.0.0.1" || name == "::1";
}

void PgConnection::Check(const PGresult* result, const std::string& sql) const {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
      return;
    default:
      Fail("{}while running: {}", PQerrorMessage(raw()), sql);
  }
}

void PgConnection::Exec(const std::string& sql) {
  PgResult result(PQexec(raw(), sql.c_str()), PQclear);
  Check(result.get(), sql);
}

bool PgConnection::TryExec(const std::string& sql) {
  PgResult result(PQexec(raw(), sql.c_str()), PQclear);
  ExecStatusType status = PQresultStatus(result.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

std::optional<std::string> PgConnection::Value(const std::string& sql) {
  PgResult result(PQexec(raw(), sql.c_str()), PQclear);
  Check(result.get(), sql);
  if (PQntuples(result.get()) == 0 || PQgetisnull(result.get(), 0, 0)) return std::nullopt;
  return PQgetvalue(result.get(), 0, 0);
}

std::vector<std::vector<std::string>> PgConnection::Rows(const std::string& sql) {
  PgResult result(PQexec(raw(), sql.c_str()), PQclear);
  Check(result.get(), sql);
  std::vector<std::vector<std::string>> rows(static_cast<size_t>(PQntuples(result.get())));
  for (size_t i = 0; i < rows.size(); ++i) {
    for (int j = 0; j < PQnfields(result.get()); ++j)
      rows[i].push_back(PQgetvalue(result.get(), static_cast<int>(i), j));
  }
  return rows;
}

PgResult PgConnection::ExecBinary(const std::string& sql,
                                  const std::vector<PgParameter>& parameters) {
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
  for (const PgParameter& parameter : parameters) {
    types.push_back(parameter.type);
    values.push_back(parameter.bytes.data());
    lengths.push_back(static_cast<int>(parameter.bytes.size()));
    formats.push_back(1);
  }
  PgResult result(PQexecParams(raw(), sql.c_str(), static_cast<int>(types.size()), types.data(),
                               values.data(), lengths.data(), formats.data(), 0),
                  PQclear);
  Check(result.get(), sql);
  return result;
}

void PgConnection::Prepare(const std::string& name, const std::string& sql,
                           const std::vector<Oid>& types) {
  PgResult result(
      PQprepare(raw(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()),
      PQclear);
  Check(result.get(), sql);
}

}  // namespace quiver::bench
