// churn: most of the rows deleted, vacuumed and put back, time and again: whether the index stays
// as good, as small and as fast as a fresh one.
#include <algorithm>

#include "base/failure.h"
#include "data/row_clusters.h"
#include "mode/mode.h"
#include "mode/write_subject.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

constexpr uint64_t kSeed = 40;

struct ChurnSettings {
  double share = 0.75;
  int rounds = 5;
  size_t clusters = 100;
};

// The rows of one round, in the order in which they come back.
std::vector<int64_t> RowsAtRandom(const ChurnSettings& s, std::vector<int64_t> ids, int round) {
  size_t count = static_cast<size_t>(s.share * static_cast<double>(ids.size()));
  return Drawn(std::move(ids), count, kSeed + static_cast<uint64_t>(round));
}

// Whole clusters, in an order drawn at random, until they have the share; the last one in part.
std::vector<int64_t> RowsByCluster(const ChurnSettings& s,
                                   const std::vector<std::vector<int64_t>>& clusters, size_t rows,
                                   int round) {
  std::vector<int64_t> numbers;
  for (size_t c = 0; c < clusters.size(); ++c) numbers.push_back(static_cast<int64_t>(c));
  const size_t count = static_cast<size_t>(s.share * static_cast<double>(rows));
  std::vector<int64_t> ids;
  for (int64_t c : Drawn(numbers, numbers.size(), kSeed + static_cast<uint64_t>(round))) {
    const std::vector<int64_t>& cluster = clusters[static_cast<size_t>(c)];
    ids.insert(ids.end(), cluster.begin(), cluster.end());
    if (ids.size() >= count) break;
  }
  ids.resize(std::min(ids.size(), count));
  return ids;
}

void AddRow(const std::string& round, WriteSubject* subject, double first_bytes,
            const std::optional<double>& recall, const std::vector<std::string>& steps,
            MarkdownTable* table) {
  double bytes = subject->IndexBytes();
  std::vector<std::string> cells = {subject->label(),  round,
                                    subject->EfText(), RecallText(recall),
                                    Megabytes(bytes),  fmt::format("{:.2f}x", bytes / first_bytes)};
  cells.insert(cells.end(), steps.begin(), steps.end());
  table->Add(cells);
}

void Churn(const ChurnSettings& s, const WriteSettings& w, const Dataset& dataset,
           const WriteSubjects& subjects,
           const std::function<std::vector<int64_t>(int)>& rows_of_round, MarkdownTable* table) {
  std::vector<double> first_bytes;
  const size_t rows = dataset.base.rows;
  // After each round the rows are the same again.
  std::optional<GroundTruth> truth;
  const std::vector<std::string> none = {"-", "-", "-", "-"};
  for (const auto& subject : subjects) {
    subject->Build(dataset, rows);
    if (!truth) truth = subject->pool().Truth(static_cast<size_t>(w.k));
    first_bytes.push_back(subject->IndexBytes());
    AddRow("first build", subject.get(), first_bytes.back(), subject->Recall(*truth), none, table);
  }
  for (int round = 1; round <= s.rounds; ++round) {
    std::vector<int64_t> ids = rows_of_round(round);
    for (size_t i = 0; i < subjects.size(); ++i) {
      double deleting = subjects[i]->Delete(ids);
      double vacuuming = subjects[i]->Vacuum();
      double inserting = subjects[i]->CopyIn(ids);
      AddRow(std::to_string(round), subjects[i].get(), first_bytes[i], subjects[i]->Recall(*truth),
             {fmt::format("{:.2f}", deleting), fmt::format("{:.2f}", vacuuming),
              fmt::format("{:.2f}", inserting),
              Thousands(static_cast<double>(ids.size()) / inserting)},
             table);
    }
    fmt::print(stderr, "  round {} of {} done\n", round, s.rounds);
  }
  for (size_t i = 0; i < subjects.size(); ++i) {
    double seconds = subjects[i]->Reindex();
    AddRow("fresh build", subjects[i].get(), first_bytes[i], subjects[i]->Recall(*truth),
           {"-", "-", fmt::format("{:.2f} (REINDEX)", seconds), "-"}, table);
  }
}

}  // namespace

void RunChurn(const CommandLine& options) {
  WriteSettings w(options, "synthetic:n=50000,d=128,q=1000");
  ChurnSettings s;
  s.share = options.GetDouble("share", s.share);
  s.rounds = static_cast<int>(options.GetInt("rounds", s.rounds));
  s.clusters = static_cast<size_t>(options.GetInt("clusters", static_cast<long>(s.clusters)));
  std::vector<std::string> orders = SplitText(options.Get("orders", "random,clusters"), ',');
  std::string cache = CacheDirOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "churn"));
  WriteSubjects subjects = SubjectsOf(options, w, "churn");
  options.RefuseUnused();
  if (s.share <= 0 || s.share > 1) Fail("--share must be above 0 and at most 1");
  if (s.rounds < 1 || s.clusters < 1) Fail("--rounds and --clusters must be above 0");
  for (const std::string& order : orders) {
    if (order != "random" && order != "clusters")
      Fail("unknown order \"{}\": random or clusters", order);
  }

  Dataset dataset = OpenDataset(w.data, cache);
  bool introduced = false;
  for (const std::string& order : orders) {
    MarkdownTable table({"engine", "round", "ef", fmt::format("recall@{}", w.k), "index",
                         "of the first", "DELETE s", "VACUUM s", "inserts s", "rows/s"});
    if (order == "random") {
      std::vector<int64_t> all = RowPool(dataset, dataset.base.rows).LiveIds();
      Churn(
          s, w, dataset, subjects, [&](int round) { return RowsAtRandom(s, all, round); }, &table);
    } else {
      auto clusters = ClusterRows(dataset, s.clusters, kSeed);
      Churn(
          s, w, dataset, subjects,
          [&](int round) { return RowsByCluster(s, clusters, dataset.base.rows, round); }, &table);
    }
    if (!introduced)
      Introduce("churn", options, w, dataset, subjects,
                {fmt::format("data: {} rows x {} dimensions, {}; in each of {} rounds {:.0f} % are "
                             "deleted by one statement, vacuumed away (the whole table's VACUUM), "
                             "and put back by one COPY",
                             Thousands(static_cast<double>(dataset.base.rows)), dataset.dim(),
                             MetricName(dataset.metric), s.rounds, 100 * s.share)},
                &report);
    introduced = true;
    report.Paragraph(
        order == "random"
            ? "Rows drawn at random, back in random order:"
            : fmt::format("Cluster by cluster (each row belongs to the nearest of {} rows drawn at "
                          "random): whole clusters go, and come back one after the other:",
                          s.clusters));
    report.Table(table, order);
  }
  report.Paragraph("Load average at the end: " + LoadAverage());
}

}  // namespace quiver::bench
