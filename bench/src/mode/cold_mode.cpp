// cold: searches whose index is much larger than shared buffers, with none of it in the kernel's
// page cache: before each search the files of table and index are dropped from there.
#include <algorithm>
#include <cstdlib>
#include <exception>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "client/file_cache.h"
#include "client/smallest_ef.h"
#include "engine/server_searcher.h"
#include "mode/mode.h"
#include "report/environment.h"
#include "report/markdown_report.h"

namespace quiver::bench {

namespace {

constexpr size_t kWarmUp = 10;  // searches that fill shared buffers, as cold as the others

struct ColdModeSettings {
  size_t searches = 50;
  int k = 10;
  int cpu = 0;
  double fraction = 10;  // shared buffers are this part of the smallest index
  std::string restart_command;
};

// The server with other shared buffers while this lives, restarted before and after.
class SmallBuffers {
 public:
  SmallBuffers(const EngineContext& context, const std::string& restart, double bytes)
      : context_(context), restart_(restart) {
    PgConnection(context_.conninfo)
        .Exec(fmt::format("ALTER SYSTEM SET shared_buffers = '{:.0f}kB'",
                          std::max(bytes / 1024, 1024.0)));
    Restart();
  }
  ~SmallBuffers() {
    try {
      PgConnection(context_.conninfo).Exec("ALTER SYSTEM RESET shared_buffers");
      Restart();
    } catch (const std::exception& error) {
      fmt::print(stderr, "shared_buffers could not be set back: {}\n", error.what());
    }
  }
  SmallBuffers(const SmallBuffers&) = delete;
  SmallBuffers& operator=(const SmallBuffers&) = delete;

  void Restart() const {
    if (std::system(restart_.c_str()) != 0) Fail("\"{}\" failed", restart_);
  }

 private:
  const EngineContext& context_;
  std::string restart_;
};

struct ColdMeasured {
  std::vector<double> seconds;
  double blocks = 0;        // read into shared buffers, a search
  double read_seconds = 0;  // of the server's, waiting for them, a search
};

struct Reads {
  double blocks = 0, seconds = 0;
};

Reads ReadsOf(PgConnection* session) {
  if (session->server_version() >= 150000)
    session->Exec("SELECT pg_catalog.pg_stat_force_next_flush()");
  auto row = session->Rows(
      "SELECT blks_read, blk_read_time FROM pg_catalog.pg_stat_database WHERE datname = "
      "current_database()");
  return {ParseDouble("blks_read", row[0][0]), ParseDouble("blk_read_time", row[0][1]) * 1e-3};
}

ColdMeasured Measure(const ColdModeSettings& s, const ServerEngine& engine, const Matrix& queries,
                     int ef) {
  auto owner = engine.NewSession();
  FileCache files(owner.get(), {engine.table().name(), engine.table().qualified_index()});
  ServerSearcher searcher(engine, s.k);
  searcher.SetEf(ef);
  searcher.Pin(s.cpu);
  searcher.connection()->TryExec("SET track_io_timing = on");
  std::vector<int64_t> ids(static_cast<size_t>(s.k));
  ColdMeasured measured;
  Reads before;
  size_t searches = std::min(s.searches + kWarmUp, queries.rows);
  for (size_t i = 0; i < searches; ++i) {
    if (i == kWarmUp) before = ReadsOf(searcher.connection());
    files.Drop();
    Stopwatch watch;
    searcher.Search(queries.Row(i), ids.data());
    if (i >= kWarmUp) measured.seconds.push_back(watch.Seconds());
  }
  Reads after = ReadsOf(searcher.connection());
  double n = static_cast<double>(std::max<size_t>(1, measured.seconds.size()));
  measured.blocks = (after.blocks - before.blocks) / n;
  measured.read_seconds = (after.seconds - before.seconds) / n;
  return measured;
}

}  // namespace

void RunColdMode(const CommandLine& options) {
  ColdModeSettings s;
  std::string data = options.Get("data", "synthetic:n=300000,d=100,q=1000,metric=cosine");
  double recall = options.GetDouble("recall", 0.95);
  s.searches = static_cast<size_t>(options.GetInt("searches", 50));
  s.k = static_cast<int>(options.GetInt("k", 10));
  s.cpu = static_cast<int>(options.GetInt("cpu", 0));
  s.fraction = options.GetDouble("fraction", s.fraction);
  s.restart_command = options.Get("restart-command", "");
  std::string cache = CacheDirOf(options);
  EngineContext context = ContextOf(options);
  BuildSettings build = BuildSettingsOf(options);
  std::vector<std::string> specs = EngineSpecsOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "cold"));
  options.RefuseUnused();
  if (s.restart_command.empty()) Fail("cold needs --restart-command (or --throwaway)");
  if (s.fraction < 1 || s.searches < 1) Fail("--fraction and --searches must be at least 1");

  Dataset dataset = OpenDataset(data, cache);
  GroundTruth truth =
      GroundTruth::For(dataset, std::max<size_t>(100, static_cast<size_t>(s.k)), cache);
  auto engines = MakeEngines(specs, context);
  EfFinder finder(dataset, truth, s.k);
  std::vector<EfChoice> choices;
  std::vector<double> bytes;
  for (const auto& engine : engines) {
    if (!engine->on_server() || engine->max_ef() == 0)
      Fail("cold is for access methods of a server, not for {}", engine->label());
    fmt::print(stderr, "{}: loading and building ...\n", engine->label());
    bytes.push_back(engine->Build(dataset, build).index_bytes);
    choices.push_back(finder.Find(engine.get(), recall));
  }
  double buffers = *std::min_element(bytes.begin(), bytes.end()) / s.fraction;

  MarkdownTable table({"engine", "index", "ef", fmt::format("recall@{}", s.k), "mean ms", "p50 ms",
                       "p95 ms", "blocks read a search", "waiting for reads, ms",
                       "first / this, mean"});
  std::string load = LoadAverage();
  double first = 0;
  {
    SmallBuffers small(context, s.restart_command, buffers);
    PinnedScope pinned(s.cpu);
    for (size_t i = 0; i < engines.size(); ++i) {
      if (i > 0) small.Restart();
      auto& server = dynamic_cast<ServerEngine&>(*engines[i]);
      ColdMeasured measured = Measure(s, server, dataset.queries, choices[i].ef);
      LatencySummary latency = Summarize(measured.seconds);
      if (i == 0) first = latency.mean;
      table.Add({server.label(), Megabytes(bytes[i]), choices[i].Text(server),
                 fmt::format("{:.4f}", choices[i].recall),
                 fmt::format("{:.2f}", latency.mean * 1e3),
                 fmt::format("{:.2f}", latency.p50 * 1e3), fmt::format("{:.2f}", latency.p95 * 1e3),
                 fmt::format("{:.1f}", measured.blocks),
                 fmt::format("{:.2f}", measured.read_seconds * 1e3),
                 fmt::format("{:.3f}x", first / latency.mean)});
    }
  }
  report.Heading("cold: " + dataset.name);
  report.Paragraph(CommandOf("cold", options));
  PgConnection connection(context.conninfo);
  report.Bullets({
      fmt::format("data: {} rows x {} dimensions, {}; k = {}, {} searches after {} not counted",
                  Thousands(static_cast<double>(dataset.base.rows)), dataset.dim(),
                  MetricName(dataset.metric), s.k, s.searches, kWarmUp),
      fmt::format("shared_buffers = {}, 1/{} of the smallest index, the same for all; before each "
                  "search the files of table and index are dropped from the kernel's page cache",
                  Megabytes(buffers), s.fraction),
      "machine: " + MachineLine() + "; load average before " + load,
      fmt::format("one client, pinned with its backend to CPU {}", s.cpu),
      "server at its usual settings: " + ServerLine(&connection),
  });
  report.Table(table, "table");
}

}  // namespace quiver::bench
