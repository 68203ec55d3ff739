#include "client/cold_run.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/failure.h"
#include "client/search_run.h"
#include "engine/server_searcher.h"

namespace quiver::bench {

namespace {

constexpr char kDropCaches[] = "/proc/sys/vm/drop_caches";

void RestartCold(const std::string& command) {
  if (command.empty()) Fail("--cold needs --restart-command (or --throwaway)");
  if (std::system(command.c_str()) != 0) Fail("\"{}\" failed", command);
  sync();
  if (PageCacheCanBeDropped()) std::ofstream(kDropCaches) << "1\n";
}

// Blocks that the database has read so far; the session's own are flushed first where it can be.
double BlocksRead(PgConnection* session) {
  if (session->server_version() >= 150000)
    session->Exec("SELECT pg_catalog.pg_stat_force_next_flush()");
  return ParseDouble("blks_read",
                     *session->Value("SELECT blks_read FROM pg_catalog.pg_stat_database "
                                     "WHERE datname = current_database()"));
}

}  // namespace

bool PageCacheCanBeDropped() {
  return access(kDropCaches, W_OK) == 0;
}

ColdRun RunCold(Engine* engine, const Matrix& queries, int k, int ef,
                const ColdSettings& settings) {
  RestartCold(settings.restart_command);
  // The session's own catalog look-ups come first; they are not what is measured.
  std::unique_ptr<Searcher> searcher = engine->NewSearcher(k);
  searcher->SetEf(ef);
  PgConnection* session = dynamic_cast<ServerSearcher&>(*searcher).connection();
  double before = BlocksRead(session);
  SearchRun run = RunOneByOne(searcher.get(), queries.First(settings.searches), k, 600);
  double after = BlocksRead(session);
  return {Summarize(run.seconds), (after - before) / static_cast<double>(run.count())};
}

}  // namespace quiver::bench
