// dead: searches while the index still has rows that are deleted and not yet vacuumed away.
#include <algorithm>

#include "base/failure.h"
#include "base/pinning.h"
#include "client/search_run.h"
#include "engine/server_searcher.h"
#include "mode/mode.h"
#include "mode/write_subject.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

constexpr uint64_t kSeed = 60;
constexpr double kNoLimit = 1e9;  // seconds

// One state of one subject's index: passes of all queries.
struct Stage {
  std::vector<double> passes;   // mean seconds of a search, one a pass
  std::vector<double> cpu;      // the same of the backend's CPU time, where it can be known
  std::vector<double> seconds;  // of all searches
  double recall = 0;            // of the last pass
  size_t missing = 0;           // rows that were wanted and did not come, in the last pass
  double bytes = 0;
};

class Passes {
 public:
  Passes(const WriteSettings& w, const WriteSubjects& subjects) : w_(w), subjects_(subjects) {
    for (const auto& subject : subjects) {
      searchers_.push_back(std::make_unique<ServerSearcher>(subject->engine(), w.k));
      searchers_.back()->SetEf(subject->ef());
      searchers_.back()->Pin(w.cpu);
    }
  }

  // `passes` of each subject in turn, against what is live now.
  std::vector<Stage> Run(int passes) {
    PinnedScope pinned(w_.cpu);
    std::vector<Stage> stages(subjects_.size());
    for (int pass = 0; pass < passes; ++pass) {
      for (size_t i = 0; i < subjects_.size(); ++i) {
        const Dataset& dataset = subjects_[i]->pool().dataset();
        const double n = static_cast<double>(dataset.queries.rows);
        std::optional<double> before = CpuSeconds(i);
        SearchRun run = RunOneByOne(searchers_[i].get(), dataset.queries, w_.k, kNoLimit);
        std::optional<double> after = CpuSeconds(i);
        Stage& stage = stages[i];
        stage.passes.push_back(run.elapsed / n);
        if (before && after) stage.cpu.push_back((*after - *before) / n);
        stage.seconds.insert(stage.seconds.end(), run.seconds.begin(), run.seconds.end());
        if (pass + 1 < passes) continue;
        GroundTruth truth = subjects_[i]->pool().Truth(static_cast<size_t>(w_.k));
        stage.recall = truth.Recall(dataset, 0, run.count(), static_cast<size_t>(w_.k), run.ids);
        stage.missing = static_cast<size_t>(std::count(run.ids.begin(), run.ids.end(), kNoRow));
        stage.bytes = subjects_[i]->IndexBytes();
      }
    }
    return stages;
  }

 private:
  std::optional<double> CpuSeconds(size_t i) {
    PgConnection* session = searchers_[i]->connection();
    return session->is_local() ? CpuSecondsOf(session->backend_pid()) : std::nullopt;
  }

  const WriteSettings& w_;
  const WriteSubjects& subjects_;
  std::vector<std::unique_ptr<ServerSearcher>> searchers_;
};

void AddStage(const std::string& name, const WriteSubject& subject, const Stage& stage,
              const Stage& clean, MarkdownTable* table) {
  LatencySummary latency = Summarize(stage.seconds);
  const double mean = Percentile(stage.passes, 0.5);
  const double cpu = Percentile(stage.cpu, 0.5), clean_cpu = Percentile(clean.cpu, 0.5);
  table->Add(
      {subject.label(), name, subject.EfText(), fmt::format("{:.4f}", stage.recall),
       Thousands(static_cast<double>(stage.missing)), Megabytes(stage.bytes), Microseconds(mean),
       Microseconds(Percentile(stage.passes, 0)) + " .. " +
           Microseconds(Percentile(stage.passes, 1)),
       Microseconds(latency.p50), Microseconds(latency.p99),
       fmt::format("{:.2f}x", mean / Percentile(clean.passes, 0.5)),
       cpu > 0 ? Microseconds(cpu) : "-", cpu > 0 ? fmt::format("{:.2f}x", cpu / clean_cpu) : "-"});
}

}  // namespace

void RunDead(const CommandLine& options) {
  WriteSettings w(options, "synthetic:n=50000,d=128,q=1000");
  double share = options.GetDouble("share", 0.3);
  int rounds = static_cast<int>(options.GetInt("rounds", 5));
  std::string cache = CacheDirOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "dead"));
  WriteSubjects subjects = SubjectsOf(options, w, "dead");
  options.RefuseUnused();
  if (share <= 0 || share >= 1 || rounds < 1)
    Fail("--share must be between 0 and 1, --rounds above 0");

  Dataset dataset = OpenDataset(w.data, cache);
  for (const auto& subject : subjects) subject->Build(dataset, dataset.base.rows);
  Passes passes(w, subjects);
  passes.Run(1);  // warms up
  std::vector<Stage> clean = passes.Run(rounds);
  const size_t dead = static_cast<size_t>(share * static_cast<double>(dataset.base.rows));
  for (const auto& subject : subjects)
    subject->Delete(Drawn(subject->pool().LiveIds(), dead, kSeed));
  std::vector<Stage> first = passes.Run(1);
  std::vector<Stage> later = passes.Run(rounds);
  for (const auto& subject : subjects) subject->Reindex();
  passes.Run(1);
  std::vector<Stage> fresh = passes.Run(rounds);

  MarkdownTable table({"engine", "index", "ef", fmt::format("recall@{}", w.k), "rows missing",
                       "size", "us a search, median pass", "min .. max", "p50 us", "p99 us",
                       "time against clean", "CPU us", "CPU against clean"});
  for (size_t i = 0; i < subjects.size(); ++i) {
    AddStage("clean", *subjects[i], clean[i], clean[i], &table);
    AddStage("right after the DELETE", *subjects[i], first[i], clean[i], &table);
    AddStage("after one pass of searches", *subjects[i], later[i], clean[i], &table);
    AddStage("fresh build of what is left", *subjects[i], fresh[i], clean[i], &table);
  }
  Introduce("dead", options, w, dataset, subjects,
            {fmt::format("data: {} rows x {} dimensions, {}; {:.0f} % deleted at random by one "
                         "statement and not vacuumed",
                         Thousands(static_cast<double>(dataset.base.rows)), dataset.dim(),
                         MetricName(dataset.metric), 100 * share),
             fmt::format("a pass is all queries once, one client; *right after the DELETE* is the "
                         "first pass, the other states are the median of {} passes, engines in "
                         "turn; *rows missing*: of the {} wanted by each query, those that did not "
                         "come, in the last pass",
                         rounds, w.k)},
            &report);
  report.Table(table, "table");
  report.Paragraph("Load average at the end: " + LoadAverage());
}

}  // namespace quiver::bench
