// vacuum: what deleting a share of the rows and vacuuming costs, and what the index is worth then.
#include <algorithm>

#include "base/failure.h"
#include "data/added_rows.h"
#include "mode/mode.h"
#include "mode/write_subject.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

constexpr uint64_t kSeed = 30;
// Gives the table without a vector index an index of no entries, so that its VACUUM is one of a
// table with indexes too: two passes over the heap.
constexpr char kEmptyIndex[] = "CREATE INDEX ON {} (id) WHERE id < 0";

struct VacuumRun {
  double rate_before = 0, rate_after = 0;  // rows/s
  double vacuum_seconds = 0;
  std::optional<double> vacuum_cpu;  // seconds
  std::optional<double> before, vacuumed, fresh;
  std::string size_before, size_vacuumed, size_after, size_fresh;
};

VacuumRun Measure(const Dataset& dataset, size_t present, size_t inserts, double share,
                  const WriteSettings& w, WriteSubject* subject) {
  VacuumRun run;
  subject->Build(dataset, present, subject->has_index() ? "" : kEmptyIndex);
  AddedRows rows(dataset, present, AddPattern::kSpread);
  size_t added = 0;
  auto insert = [&](double* rate) {
    WriteLoadSettings settings;
    settings.rows = inserts;
    const size_t first = added;
    added += inserts;
    WriteLoad load = subject->Write(
        WriteKind::kInsert,
        [&rows, first, present](size_t n) {
          return WrittenRow{static_cast<int64_t>(present + first + n), rows.Row(first + n)};
        },
        settings);
    if (load.written().size() != inserts) Fail("{}", load.first_error());
    *rate = load.RowsPerSecond();
  };
  insert(&run.rate_before);
  run.before = subject->Recall();
  run.size_before = IndexText(subject);

  std::vector<int64_t> ids = subject->pool().LiveIds();
  size_t count = static_cast<size_t>(share * static_cast<double>(ids.size()));
  subject->Delete(Drawn(std::move(ids), count, kSeed));
  run.vacuum_seconds = subject->Vacuum();
  run.vacuum_cpu = subject->last_cpu();
  GroundTruth truth = subject->pool().Truth(static_cast<size_t>(w.k));
  run.vacuumed = subject->Recall(truth);
  run.size_vacuumed = IndexText(subject);

  insert(&run.rate_after);
  run.size_after = IndexText(subject);
  if (!subject->has_index()) return run;
  // The rows of the recall after the vacuum again, for the build to compare it with.
  std::vector<int64_t> again;
  for (size_t n = added - inserts; n < added; ++n)
    again.push_back(static_cast<int64_t>(present + n));
  subject->Delete(again);
  subject->Reindex();
  run.fresh = subject->Recall(truth);
  run.size_fresh = IndexText(subject);
  return run;
}

}  // namespace

void RunVacuum(const CommandLine& options) {
  WriteSettings w(options, "synthetic:n=54000,d=128,q=1000");
  std::vector<double> shares;
  for (const std::string& share : SplitText(options.Get("shares", "0.1,0.2"), ','))
    shares.push_back(ParseDouble("--shares", share));
  size_t inserts = static_cast<size_t>(options.GetInt("inserts", 2000));
  std::string cache = CacheDirOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "vacuum"));
  WriteSubjects subjects;
  subjects.push_back(TableAlone(options, w));
  for (auto& subject : SubjectsOf(options, w, "vacuum")) subjects.push_back(std::move(subject));
  options.RefuseUnused();
  for (double share : shares) {
    if (share <= 0 || share >= 1) Fail("--shares must be between 0 and 1");
  }

  Dataset dataset = OpenDataset(w.data, cache);
  if (inserts < 1 || 3 * inserts > dataset.base.rows)
    Fail("--inserts must be above 0, and a third of the data at most");
  const size_t present = dataset.base.rows - 2 * inserts;
  MarkdownTable table({"engine", "deleted", "ef", fmt::format("recall@{} before", w.k),
                       "after VACUUM", "fresh build", "index before", "after VACUUM",
                       "after inserts", "fresh build", "VACUUM s", "CPU s", "of it the index s",
                       "index us a row deleted", "inserts/s before", "after VACUUM",
                       "after / before"});
  for (double share : shares) {
    double alone = 0;
    for (const auto& subject : subjects) {
      VacuumRun run = Measure(dataset, present, inserts, share, w, subject.get());
      if (!subject->has_index()) alone = run.vacuum_seconds;
      const double index = run.vacuum_seconds - alone;
      const double rows = share * static_cast<double>(present + inserts);
      auto of_index = [&](const std::string& text) { return subject->has_index() ? text : "-"; };
      table.Add({subject->label(), fmt::format("{:.0f} %", 100 * share), subject->EfText(),
                 RecallText(run.before), RecallText(run.vacuumed), RecallText(run.fresh),
                 run.size_before, run.size_vacuumed, run.size_after, of_index(run.size_fresh),
                 fmt::format("{:.3f}", run.vacuum_seconds),
                 run.vacuum_cpu ? fmt::format("{:.3f}", *run.vacuum_cpu) : "-",
                 of_index(fmt::format("{:.3f}", index)),
                 of_index(fmt::format("{:.1f}", 1e6 * index / rows)), Thousands(run.rate_before),
                 Thousands(run.rate_after),
                 fmt::format("{:.2f}x", run.rate_after / run.rate_before)});
    }
  }
  Introduce("vacuum", options, w, dataset, subjects,
            {fmt::format("data: {} rows x {} dimensions, {}, present; {} inserted one by one, a "
                         "share of all deleted at random, VACUUM, {} more inserted",
                         Thousands(static_cast<double>(present)), dataset.dim(),
                         MetricName(dataset.metric), inserts, inserts),
             "VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, PARALLEL 0), after a CHECKPOINT; *of it the "
             "index*: the difference to the table alone, same rows, same deletes, whose only index "
             "has no entries, so that it too is vacuumed in two passes"},
            &report);
  report.Table(table, "table");
  report.Paragraph("Load average at the end: " + LoadAverage());
}

}  // namespace quiver::bench
