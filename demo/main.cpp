// The demo's client: Fashion-MNIST into a table, an index, every test query at several ef, a table
// and a page.
//
//   fashion_demo DATA-FOLDER PAGE.html
//
// The server is the one that PGHOST, PGPORT, PGUSER and PGDATABASE name; it must be one to play
// with.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <stdexcept>
#include <thread>

#include "html_page.h"
#include "measure.h"
#include "progress.h"

namespace demo {

namespace {

constexpr int kEfs[] = {10, 20, 40, 80, 160, 320};
constexpr size_t kExactSample = 50;

constexpr char kCreateTable[] =
    "CREATE TABLE fashion (id integer PRIMARY KEY, label smallint, embedding vector(784))";
constexpr char kCreateIndex[] =
    "CREATE INDEX fashion_embedding_idx ON fashion USING quiver (embedding vector_l2_ops)";
constexpr char kSearch[] = "SELECT id FROM fashion ORDER BY embedding <-> $1 LIMIT 10";

Dataset ReadDataset(const std::string& folder) {
  Progress progress("read Fashion-MNIST");
  Dataset data;
  data.images = ReadIdxFile(folder + "/train-images-idx3-ubyte.gz");
  data.labels = ReadIdxFile(folder + "/train-labels-idx1-ubyte.gz");
  data.queries = ReadIdxFile(folder + "/t10k-images-idx3-ubyte.gz");
  data.query_labels = ReadIdxFile(folder + "/t10k-labels-idx1-ubyte.gz");
  if (data.images.item_size != kImageWidth * kImageWidth ||
      data.images.count != data.labels.count || data.queries.item_size != data.images.item_size ||
      data.queries.count != data.query_labels.count)
    throw std::runtime_error("the data set in \"" + folder + "\" is not Fashion-MNIST");
  progress.Finish(std::to_string(data.images.count) + " images, " +
                  std::to_string(data.queries.count) + " queries");
  return data;
}

void Load(Connection* server, const Dataset& data) {
  Progress progress("load");
  server->Execute("CREATE EXTENSION quiver");
  server->Execute(kCreateTable);
  server->CopyBegin("COPY fashion FROM STDIN (FORMAT binary)");
  std::vector<char> row;
  for (size_t i = 0; i < data.images.count; ++i) {
    row.clear();
    AppendInt16(&row, 3);
    AppendInt32(&row, 4);
    AppendInt32(&row, static_cast<int32_t>(i));
    AppendInt32(&row, 2);
    AppendInt16(&row, *data.labels.item(i));
    AppendInt32(&row, static_cast<int32_t>(4 + 4 * data.images.item_size));
    AppendVector(&row, {data.images.item(i), data.images.item_size});
    server->CopyRow(row);
    progress.Update(i + 1, data.images.count);
  }
  server->CopyEnd();
  progress.Update("VACUUM ANALYZE");
  server->Execute("VACUUM ANALYZE fashion");
  progress.Finish(std::to_string(data.images.count) + " rows");
}

// Watches from a second connection, as any user could.
void BuildIndex(Connection* server, Facts* facts) {
  Progress progress("build the index");
  server->Execute("SET maintenance_work_mem = '1GB'");
  std::atomic<bool> built = false;
  std::exception_ptr trouble;
  std::thread build([&] {
    try {
      server->Execute(kCreateIndex);
    } catch (...) {
      trouble = std::current_exception();
    }
    built = true;
  });
  try {
    Connection watcher;
    while (!built) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const std::vector<std::string> row = watcher.Row(
          "SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done || ' of ' || tuples_total || "
          "' rows'"
          " WHEN blocks_total > 0 THEN blocks_done || ' of ' || blocks_total || ' blocks' ELSE '' "
          "END"
          " FROM pg_stat_progress_create_index");
      if (!row.empty()) progress.Update(row[0] + (row[1].empty() ? "" : ", " + row[1]));
    }
  } catch (const std::exception& e) {
    progress.Update(std::string("cannot watch: ") + e.what());
  }
  build.join();
  if (trouble) std::rethrow_exception(trouble);
  facts->build_seconds = progress.seconds();
  const auto sizes = server->Row(
      "SELECT pg_size_pretty(pg_relation_size('fashion_embedding_idx')), "
      "pg_size_pretty(pg_table_size('fashion'))");
  facts->index_size = sizes[0];
  facts->table_size = sizes[1];
  progress.Finish(sizes[0] + " beside a table of " + sizes[1]);
}

void ComputeExact(Dataset* data) {
  Progress progress("exact neighbours, each query with each row");
  data->exact = ExactNeighbours(data->images, data->queries, kNeighbours,
                                [&](size_t done) { progress.Update(done, data->queries.count); });
  progress.Finish(std::to_string(data->queries.count) + " queries");
}

std::string CpuName() {
  std::ifstream file("/proc/cpuinfo");
  std::map<std::string, std::string> fields;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    fields[line.substr(0, line.find_last_not_of("\t ", colon - 1) + 1)] = line.substr(colon + 2);
  }
  return fields.contains("model name") ? fields["model name"] : "unknown CPU";
}

void PrintTable(const std::vector<Sweep>& sweeps, const ExactScan& scan) {
  std::printf("\n      ef  recall@10      QPS   p50 ms   p99 ms  pages/query\n");
  for (const Sweep& s : sweeps)
    std::printf("  %6d     %.4f  %7.0f  %7.3f  %7.3f  %11.1f\n", s.ef, s.recall, s.qps, s.p50_ms,
                s.p99_ms, s.pages);
  std::printf("   exact     1.0000  %7.1f  %7.1f        -  %11.0f   (%zu queries)\n\n",
              1000 / scan.p50_ms, scan.p50_ms, scan.pages, scan.queries);
}

void Run(const std::string& folder, const std::string& page) {
  Facts facts;
  Dataset data = ReadDataset(folder);
  Connection server;
  facts.cpu = CpuName();
  facts.cores = std::thread::hardware_concurrency();
  Load(&server, data);
  BuildIndex(&server, &facts);
  facts.server = server.Value("SELECT split_part(version(), ' on ', 1)");
  facts.quiver = server.Value("SELECT extversion FROM pg_extension WHERE extname = 'quiver'");
  ComputeExact(&data);

  server.PrepareSearch(kSearch);
  std::vector<char> first;
  AppendVector(&first, {data.queries.item(0), data.queries.item_size});
  facts.plan = server.ExplainSearch("COSTS OFF", first);
  if (facts.plan.find("fashion_embedding_idx") == std::string::npos)
    throw std::runtime_error("the planner did not choose the index:\n" + facts.plan);

  const ExactScan scan = MeasureExactScan(&server, data, kExactSample);
  if (scan.differing > 0)
    throw std::runtime_error("the exact scan does not agree with the client's own answers");
  std::vector<Sweep> sweeps;
  for (int ef : kEfs) sweeps.push_back(MeasureSweep(&server, data, ef));

  PrintTable(sweeps, scan);
  std::printf(
      "  Recall counts all %zu queries against exact neighbours that this program computed by "
      "comparing each\n"
      "  query with each row; for %zu of them the exact scan through SQL gave the same distances. "
      "One client, one\n"
      "  query at a time, prepared, binary parameter, everything cached; pages: mean buffers of "
      "200 queries by\n"
      "  EXPLAIN (ANALYZE, BUFFERS), the table's own pages included. QPS of the exact scan: 1 / "
      "its p50.\n\n",
      data.queries.count, scan.queries);
  WriteHtmlPage(page, data, sweeps, scan, facts);
}

}  // namespace

}  // namespace demo

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s DATA-FOLDER PAGE.html\n", argv[0]);
    return 2;
  }
  try {
    demo::Run(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "\nerror: %s\n", e.what());
    return 1;
  }
  return 0;
}
