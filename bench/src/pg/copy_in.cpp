#include "pg/copy_in.h"

#include "base/failure.h"
#include "pg/vector_wire.h"

namespace quiver::bench {

namespace {
constexpr size_t kFlushBytes = 1 << 18;
}

CopyIn::CopyIn(PgConnection* connection, const std::string& target)
    : connection_(connection), sql_("COPY " + target + " FROM STDIN (FORMAT binary)") {
  PgResult result(PQexec(connection_->raw(), sql_.c_str()), PQclear);
  connection_->Check(result.get(), sql_);
  // Signature, no flags, no header extension.
  buffer_.assign("PGCOPY\n\377\r\n\0", 11);
  AppendInt32(0, &buffer_);
  AppendInt32(0, &buffer_);
}

void CopyIn::BeginRow(int fields) {
  if (buffer_.size() >= kFlushBytes) Flush();
  AppendInt16(static_cast<int16_t>(fields), &buffer_);
}

void CopyIn::AddField(const std::string& bytes) {
  AppendInt32(static_cast<int32_t>(bytes.size()), &buffer_);
  buffer_ += bytes;
}

void CopyIn::Flush() {
  if (PQputCopyData(connection_->raw(), buffer_.data(), static_cast<int>(buffer_.size())) != 1)
    Fail("{}", PQerrorMessage(connection_->raw()));
  buffer_.clear();
}

void CopyIn::Finish() {
  AppendInt16(-1, &buffer_);
  Flush();
  if (PQputCopyEnd(connection_->raw(), nullptr) != 1)
    Fail("{}", PQerrorMessage(connection_->raw()));
  while (PGresult* raw = PQgetResult(connection_->raw())) {
    PgResult result(raw, PQclear);
    connection_->Check(result.get(), sql_);
  }
}

}  // namespace quiver::bench
