// One client connection with a prepared search: binary parameter, binary result.
#ifndef QUIVER_BENCH_ENGINE_SERVER_SEARCHER_H
#define QUIVER_BENCH_ENGINE_SERVER_SEARCHER_H

#include <memory>
#include <string>

#include "engine/server_engine.h"

namespace quiver::bench {

class ServerSearcher : public Searcher {
 public:
  ServerSearcher(const ServerEngine& engine, int k);

  void SetEf(int ef) override;
  void Search(const float* query, int64_t* ids) override;
  bool Pin(int cpu) override;

  PgConnection* connection() { return connection_.get(); }

 private:
  const ServerEngine& engine_;
  int k_;
  std::unique_ptr<PgConnection> connection_;
  std::string value_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_SERVER_SEARCHER_H
