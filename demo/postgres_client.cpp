#include "postgres_client.h"

#include <bit>
#include <memory>
#include <stdexcept>

namespace demo {

namespace {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

Result Checked(PGconn* conn, PGresult* raw, ExecStatusType wanted) {
  Result result(raw);
  if (PQresultStatus(raw) != wanted) throw std::runtime_error(PQerrorMessage(conn));
  return result;
}

}  // namespace

Connection::Connection() : conn_(PQconnectdb("application_name=quiver_demo")) {
  if (PQstatus(conn_) != CONNECTION_OK) {
    std::string message = PQerrorMessage(conn_);
    PQfinish(conn_);
    throw std::runtime_error(message);
  }
}

void Connection::Execute(const std::string& sql) {
  Result result(PQexec(conn_, sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(conn_));
}

std::vector<std::string> Connection::Row(const std::string& sql) {
  Result result = Checked(conn_, PQexec(conn_, sql.c_str()), PGRES_TUPLES_OK);
  std::vector<std::string> row;
  if (PQntuples(result.get()) > 0) {
    for (int i = 0; i < PQnfields(result.get()); ++i)
      row.emplace_back(PQgetvalue(result.get(), 0, i));
  }
  return row;
}

std::string Connection::Value(const std::string& sql) {
  std::vector<std::string> row = Row(sql);
  return row.empty() ? std::string() : row[0];
}

void Connection::CopyBegin(const std::string& sql) {
  Checked(conn_, PQexec(conn_, sql.c_str()), PGRES_COPY_IN);
  // Signature, flags, length of the header extension.
  static constexpr char kHeader[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
  CopyRow(std::span(kHeader, 19));
}

void Connection::CopyRow(std::span<const char> row) {
  if (PQputCopyData(conn_, row.data(), static_cast<int>(row.size())) != 1)
    throw std::runtime_error(PQerrorMessage(conn_));
}

void Connection::CopyEnd() {
  std::vector<char> trailer;
  AppendInt16(&trailer, -1);
  CopyRow(trailer);
  if (PQputCopyEnd(conn_, nullptr) != 1) throw std::runtime_error(PQerrorMessage(conn_));
  Checked(conn_, PQgetResult(conn_), PGRES_COMMAND_OK);
  while (PGresult* rest = PQgetResult(conn_)) PQclear(rest);
}

void Connection::PrepareSearch(const std::string& sql) {
  search_sql_ = sql;
  Checked(conn_, PQprepare(conn_, "search", sql.c_str(), 1, nullptr), PGRES_COMMAND_OK);
}

void Connection::Search(std::span<const char> vector, std::vector<int32_t>* ids) {
  const char* values[] = {vector.data()};
  const int lengths[] = {static_cast<int>(vector.size())};
  const int formats[] = {1};
  Result result = Checked(conn_, PQexecPrepared(conn_, "search", 1, values, lengths, formats, 1),
                          PGRES_TUPLES_OK);
  const int rows = PQntuples(result.get());
  ids->clear();
  for (int i = 0; i < rows; ++i) {
    const auto* p = reinterpret_cast<const unsigned char*>(PQgetvalue(result.get(), i, 0));
    ids->push_back(static_cast<int32_t>(uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 |
                                        uint32_t{p[2]} << 8 | p[3]));
  }
}

std::string Connection::ExplainSearch(const std::string& options, std::span<const char> vector) {
  const std::string sql = "EXPLAIN (" + options + ") " + search_sql_;
  const char* values[] = {vector.data()};
  const int lengths[] = {static_cast<int>(vector.size())};
  const int formats[] = {1};
  Result result =
      Checked(conn_, PQexecParams(conn_, sql.c_str(), 1, nullptr, values, lengths, formats, 0),
              PGRES_TUPLES_OK);
  std::string text;
  for (int i = 0; i < PQntuples(result.get()); ++i)
    text.append(PQgetvalue(result.get(), i, 0)).append("\n");
  return text;
}

void AppendInt16(std::vector<char>* out, int16_t value) {
  const auto bits = static_cast<uint16_t>(value);
  out->push_back(static_cast<char>(bits >> 8));
  out->push_back(static_cast<char>(bits));
}

void AppendInt32(std::vector<char>* out, int32_t value) {
  const auto bits = static_cast<uint32_t>(value);
  AppendInt16(out, static_cast<int16_t>(bits >> 16));
  AppendInt16(out, static_cast<int16_t>(bits));
}

void AppendVector(std::vector<char>* out, std::span<const uint8_t> pixels) {
  AppendInt16(out, static_cast<int16_t>(pixels.size()));
  AppendInt16(out, 0);
  for (uint8_t pixel : pixels) AppendInt32(out, std::bit_cast<int32_t>(static_cast<float>(pixel)));
}

}  // namespace demo
