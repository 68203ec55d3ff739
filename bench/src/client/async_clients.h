// Many clients that do nothing but search, as one run.
#ifndef QUIVER_BENCH_CLIENT_ASYNC_CLIENTS_H
#define QUIVER_BENCH_CLIENT_ASYNC_CLIENTS_H

#include <cstdint>
#include <string>
#include <vector>

#include "engine/server_engine.h"

namespace quiver::bench {

struct AsyncSettings {
  int clients = 16;
  int k = 10;
  int ef = 40;
  double warm_up = 2;  // seconds, not measured
  double seconds = 60;
  std::vector<int> cpus;  // that clients and backends share; empty: all
};

struct AsyncRun {
  std::vector<float> seconds;  // latency of each search, in no order
  double elapsed = 0;
  double client_cpu = 0;     // CPU seconds of the client thread
  std::vector<int64_t> ids;  // k per query: one answer to each query that was asked
  std::vector<bool> asked;
  bool pinned = false;
};

// Each client sends its next search as soon as the former is answered; queries are taken in turn.
AsyncRun RunAsyncClients(const ServerEngine& engine, const Matrix& queries,
                         const AsyncSettings& settings);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_ASYNC_CLIENTS_H
