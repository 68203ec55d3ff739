// A connection with what the demo needs: commands, one prepared search with a binary parameter,
// binary COPY.
#ifndef QUIVER_DEMO_POSTGRES_CLIENT_H
#define QUIVER_DEMO_POSTGRES_CLIENT_H

#include <libpq-fe.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace demo {

// Every member throws std::runtime_error with the server's message.
class Connection {
 public:
  // To the server that PGHOST and its kin name.
  Connection();
  ~Connection() { PQfinish(conn_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Execute(const std::string& sql);
  // The first column of the first row, as text; empty where there is no row or a NULL.
  std::string Value(const std::string& sql);
  std::vector<std::string> Row(const std::string& sql);

  // COPY ... FROM STDIN (FORMAT binary): begin, rows, end.
  void CopyBegin(const std::string& sql);
  void CopyRow(std::span<const char> row);
  void CopyEnd();

  // A search is prepared once; each run sends one binary vector and reads int4 ids.
  void PrepareSearch(const std::string& sql);
  void Search(std::span<const char> vector, std::vector<int32_t>* ids);
  // EXPLAIN's text for the same statement and vector, with the options given, e.g. "ANALYZE,
  // BUFFERS".
  std::string ExplainSearch(const std::string& options, std::span<const char> vector);

 private:
  PGconn* conn_;
  std::string search_sql_;
};

// Binary forms, as the types' send functions write them.
void AppendInt16(std::vector<char>* out, int16_t value);
void AppendInt32(std::vector<char>* out, int32_t value);
// vector: int16 dimensions, int16 zero, float4 each; here from pixels.
void AppendVector(std::vector<char>* out, std::span<const uint8_t> pixels);

}  // namespace demo

#endif  // QUIVER_DEMO_POSTGRES_CLIENT_H
