// Clients that write one row after the other, a transaction each.
#ifndef QUIVER_BENCH_CLIENT_WRITE_LOAD_H
#define QUIVER_BENCH_CLIENT_WRITE_LOAD_H

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/client_loop.h"
#include "engine/server_engine.h"

namespace quiver::bench {

enum class WriteKind {
  kInsert,        // a row
  kUpdateOther,   // the column `other` of a row, whose vector stays
  kUpdateVector,  // of a row
  kReplace,       // DELETE and INSERT of a row, two statements of one transaction
};

struct WrittenRow {
  int64_t id;
  const float* row;  // not looked at by kUpdateOther; valid until the next one is asked for
};

struct WriteLoadSettings {
  size_t rows = SIZE_MAX;   // at most
  double until = HUGE_VAL;  // seconds, no more afterwards
  double rate = 0;          // rows a second of all clients together; 0: as many as they can
  double counted_from = 0;  // seconds: rows sent before are not counted
  const CountedSpan* span = nullptr;  // in place of counted_from and until
};

class WriteLoad : public Workload {
 public:
  // The n-th write is of the row source(n).
  WriteLoad(const ServerEngine& engine, WriteKind kind, std::function<WrittenRow(size_t)> source,
            const WriteLoadSettings& settings);

  std::unique_ptr<PgConnection> NewSession() override;
  Next Take(size_t client, double now, std::vector<PreparedCall>* calls) override;
  void Answer(size_t client, const PGresult* result) override;
  void Done(size_t client, double sent, double now) override;
  // Deadlocks and others are counted, and the row is left out; many of them end the run.
  void Failed(size_t client, const std::string& sqlstate, const std::string& message) override;

  // The numbers (of `source`) of the rows written, in the order in which they were done.
  const std::vector<size_t>& written() const { return written_; }
  const std::vector<double>& seconds() const { return seconds_; }  // of those that are counted
  // Those that are counted, by the time from the first one's begin to the last one's end.
  double RowsPerSecond() const;
  size_t deadlocks() const { return deadlocks_; }
  size_t errors() const { return errors_; }  // others
  const std::string& first_error() const { return first_error_; }

 private:
  const ServerEngine& engine_;
  WriteKind kind_;
  std::function<WrittenRow(size_t)> source_;
  WriteLoadSettings s_;
  size_t next_ = 0;
  std::vector<size_t> row_of_;  // of each client
  std::string id_, value_;      // of the row that is being sent
  std::vector<size_t> written_;
  std::vector<double> seconds_;
  double first_ = HUGE_VAL, last_ = 0;
  size_t deadlocks_ = 0, errors_ = 0;
  std::string first_error_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_WRITE_LOAD_H
