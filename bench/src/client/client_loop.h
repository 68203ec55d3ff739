// Many clients in one thread: non-blocking connections under epoll, a transaction of prepared
// statements in flight on each.
#ifndef QUIVER_BENCH_CLIENT_CLIENT_LOOP_H
#define QUIVER_BENCH_CLIENT_CLIENT_LOOP_H

#include <memory>
#include <string>
#include <vector>

#include "pg/pg_connection.h"

namespace quiver::bench {

// A prepared statement with its parameters in binary form, which need to live until it is sent.
struct PreparedCall {
  const char* statement;
  std::vector<const std::string*> values;
};

// The part of a run that counts, in seconds since it began.  It may be settled while clients run.
struct CountedSpan {
  double begin = 0, end = 0;
};

// What clients of one kind do.  Times are seconds since the loop began.
class Workload {
 public:
  enum class Next { kSend, kWait, kFinished };

  virtual ~Workload() = default;
  // The session of one more client, with its statements prepared.
  virtual std::unique_ptr<PgConnection> NewSession() = 0;
  // What client `client` of this workload, which is free, sends now: all of it one transaction.
  virtual Next Take(size_t client, double now, std::vector<PreparedCall>* calls) = 0;
  // One result of it; then, when all is well, the end of it.
  virtual void Answer(size_t client, const PGresult* result) = 0;
  virtual void Done(size_t client, double sent, double now) = 0;
  // In place of Done: it was rolled back.  The client goes on.
  virtual void Failed(size_t client, const std::string& sqlstate, const std::string& message) = 0;
};

struct ClientGroup {
  Workload* work;
  int clients;
};

// Runs until every client has finished; each sends its next transaction as soon as the former is
// answered.  This thread and the backends share `cpus` (empty: all).  True when all are bound
// there.
bool RunClients(const std::vector<ClientGroup>& groups, const std::vector<int>& cpus);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_CLIENT_LOOP_H
