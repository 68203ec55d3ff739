// Loads rows by COPY ... (FORMAT binary).
#ifndef QUIVER_BENCH_PG_COPY_IN_H
#define QUIVER_BENCH_PG_COPY_IN_H

#include <string>

#include "pg/pg_connection.h"

namespace quiver::bench {

class CopyIn {
 public:
  // `target` is a table with its column list.
  CopyIn(PgConnection* connection, const std::string& target);

  // A row is announced by its number of fields; each field then by its bytes.
  void BeginRow(int fields);
  void AddField(const std::string& bytes);
  void Finish();

 private:
  void Flush();

  PgConnection* connection_;
  std::string sql_;
  std::string buffer_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_COPY_IN_H
