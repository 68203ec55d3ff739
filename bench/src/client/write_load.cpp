#include "client/write_load.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/failure.h"

namespace quiver::bench {

namespace {

constexpr Oid kInt8Oid = 20;
constexpr char kFirst[] = "write";
constexpr char kSecond[] = "then";
constexpr char kDeadlockDetected[] = "40P01";
constexpr size_t kMostErrors = 100;

// What `kind` runs, one statement or two; each takes the id, and the vector where it has $2.
std::vector<std::string> StatementsOf(WriteKind kind, const std::string& table) {
  std::string insert = "INSERT INTO " + table + " (id, embedding) VALUES ($1, $2)";
  switch (kind) {
    case WriteKind::kInsert:
      return {insert};
    case WriteKind::kUpdateOther:
      return {"UPDATE " + table + " SET other = other + 1 WHERE id = $1"};
    case WriteKind::kUpdateVector:
      return {"UPDATE " + table + " SET embedding = $2 WHERE id = $1"};
    case WriteKind::kReplace:
      return {"DELETE FROM " + table + " WHERE id = $1", insert};
  }
  return {};
}

bool TakesVector(const std::string& sql) {
  return sql.find("$2") != std::string::npos;
}

}  // namespace

WriteLoad::WriteLoad(const ServerEngine& engine, WriteKind kind,
                     std::function<WrittenRow(size_t)> source, const WriteLoadSettings& settings)
    : engine_(engine), kind_(kind), source_(std::move(source)), s_(settings) {}

std::unique_ptr<PgConnection> WriteLoad::NewSession() {
  auto session = engine_.NewSession();
  const char* name = kFirst;
  for (const std::string& sql : StatementsOf(kind_, engine_.table().name())) {
    std::vector<Oid> types = {kInt8Oid};
    if (TakesVector(sql)) types.push_back(engine_.table().am().TypeOid(session.get()));
    session->Prepare(name, sql, types);
    name = kSecond;
  }
  row_of_.push_back(0);
  return session;
}

Workload::Next WriteLoad::Take(size_t client, double now, std::vector<PreparedCall>* calls) {
  if (next_ >= s_.rows || now >= (s_.span ? s_.span->end : s_.until)) return Next::kFinished;
  if (s_.rate > 0 && static_cast<double>(next_) > now * s_.rate) return Next::kWait;
  row_of_[client] = next_;
  WrittenRow row = source_(next_++);
  id_.clear();
  AppendInt64(row.id, &id_);
  value_.clear();
  if (kind_ != WriteKind::kUpdateOther)
    AppendValue(engine_.table().am().wire(), engine_.table().shape(), row.row, &value_);
  switch (kind_) {
    case WriteKind::kInsert:
    case WriteKind::kUpdateVector:
      calls->push_back({kFirst, {&id_, &value_}});
      break;
    case WriteKind::kUpdateOther:
      calls->push_back({kFirst, {&id_}});
      break;
    case WriteKind::kReplace:
      calls->push_back({kFirst, {&id_}});
      calls->push_back({kSecond, {&id_, &value_}});
  }
  return Next::kSend;
}

void WriteLoad::Answer(size_t client, const PGresult* result) {
  if (std::atol(PQcmdTuples(const_cast<PGresult*>(result))) != 1)
    Fail("row {} was not there: {}", source_(row_of_[client]).id,
         PQcmdStatus(const_cast<PGresult*>(result)));
}

void WriteLoad::Done(size_t client, double sent, double now) {
  written_.push_back(row_of_[client]);
  if (sent < (s_.span ? s_.span->begin : s_.counted_from)) return;
  seconds_.push_back(now - sent);
  first_ = std::min(first_, sent);
  last_ = now;
}

void WriteLoad::Failed(size_t, const std::string& sqlstate, const std::string& message) {
  if (first_error_.empty()) {
    first_error_ = message + "while running: " + StatementsOf(kind_, engine_.table().name()).back();
    std::replace(first_error_.begin(), first_error_.end(), '\n', ' ');
  }
  ++(sqlstate == kDeadlockDetected ? deadlocks_ : errors_);
  if (deadlocks_ + errors_ >= kMostErrors)
    Fail("{} writes failed, the first: {}", kMostErrors, first_error_);
}

double WriteLoad::RowsPerSecond() const {
  return seconds_.empty() ? 0 : static_cast<double>(seconds_.size()) / (last_ - first_);
}

}  // namespace quiver::bench
