// Clients that search one after the other, for a time.
#ifndef QUIVER_BENCH_CLIENT_SEARCH_LOAD_H
#define QUIVER_BENCH_CLIENT_SEARCH_LOAD_H

#include <cstdint>
#include <string>
#include <vector>

#include "client/client_loop.h"
#include "engine/server_engine.h"

namespace quiver::bench {

struct SearchLoadSettings {
  int k = 10;
  int ef = 40;
  double warm_up = 2;  // seconds, not measured
  double seconds = 60;
  double rate = 0;                    // searches a second of all clients together; 0: no limit
  const CountedSpan* span = nullptr;  // in place of warm_up and seconds
};

class SearchLoad : public Workload {
 public:
  // Queries are taken in turn, by all clients together.
  SearchLoad(const ServerEngine& engine, const Matrix& queries, const SearchLoadSettings& settings);

  std::unique_ptr<PgConnection> NewSession() override;
  Next Take(size_t client, double now, std::vector<PreparedCall>* calls) override;
  void Answer(size_t client, const PGresult* result) override;
  void Done(size_t client, double sent, double now) override;
  void Failed(size_t client, const std::string& sqlstate, const std::string& message) override;

  const std::vector<float>& seconds() const { return seconds_; }  // of each search, in no order
  double client_cpu() const { return cpu_end_ - cpu_begin_; }     // CPU seconds of the thread
  // k rows a query: one answer to each query that was asked.
  const std::vector<int64_t>& ids() const { return ids_; }
  const std::vector<bool>& asked() const { return asked_; }

  SearchLoad(const SearchLoad&) = delete;
  SearchLoad& operator=(const SearchLoad&) = delete;

 private:
  const ServerEngine& engine_;
  SearchLoadSettings s_;
  std::vector<std::string> encoded_;  // all queries, made before the clock starts
  size_t next_ = 0;                   // also how many have been sent
  std::vector<size_t> query_of_;      // of each client
  std::vector<float> seconds_;
  std::vector<int64_t> ids_;
  std::vector<bool> asked_;
  CountedSpan own_span_;
  const CountedSpan* span_;
  bool measuring_ = false;
  double cpu_begin_ = 0, cpu_end_ = 0;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_CLIENT_SEARCH_LOAD_H
