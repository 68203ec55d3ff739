#include "client/async_clients.h"

#include "client/search_load.h"

namespace quiver::bench {

AsyncRun RunAsyncClients(const ServerEngine& engine, const Matrix& queries,
                         const AsyncSettings& settings) {
  SearchLoad load(engine, queries, {settings.k, settings.ef, settings.warm_up, settings.seconds});
  AsyncRun run;
  run.pinned = RunClients({{&load, settings.clients}}, settings.cpus);
  run.seconds = load.seconds();
  run.elapsed = settings.seconds;
  run.client_cpu = load.client_cpu();
  run.ids = load.ids();
  run.asked = load.asked();
  return run;
}

}  // namespace quiver::bench
