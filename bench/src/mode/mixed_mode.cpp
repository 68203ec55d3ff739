// mixed: searching clients with and without clients that insert at the same time.
#include <algorithm>

#include "base/failure.h"
#include "client/search_load.h"
#include "data/added_rows.h"
#include "mode/mode.h"
#include "mode/write_subject.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

struct MixedSettings {
  int searchers = 8, writers = 2;
  double rate = 0;
  int rounds = 3;
  SearchLoadSettings search;
};

// All rounds of one subject.
struct MixedRun {
  std::vector<double> quiet, busy;  // seconds of searches
  double insert_seconds = 0;        // that writers ran and were counted
  std::vector<double> inserts;      // seconds of each
  size_t added = 0;
  size_t deadlocks = 0, errors = 0;
  std::string first_error;
  std::optional<double> before, after, fresh;
  std::string size_before, size_after;
  bool pinned = true;
};

void Append(const std::vector<float>& from, std::vector<double>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

void RunRound(const MixedSettings& s, const WriteSettings& w, const Dataset& dataset,
              AddedRows* rows, WriteSubject* subject, MixedRun* run) {
  const size_t present = subject->pool().rows();
  SearchLoadSettings search = s.search;
  search.ef = subject->ef();
  SearchLoad quiet(subject->engine(), dataset.queries, search);
  run->pinned = RunClients({{&quiet, s.searchers}}, w.cpus) && run->pinned;
  Append(quiet.seconds(), &run->quiet);

  SearchLoad busy(subject->engine(), dataset.queries, search);
  WriteLoadSettings writing;
  writing.until = search.warm_up + search.seconds;
  writing.counted_from = search.warm_up;
  writing.rate = s.rate;
  const size_t first = run->added;
  WriteLoad writes(
      subject->engine(), WriteKind::kInsert,
      [&](size_t n) {
        return WrittenRow{static_cast<int64_t>(present + n), rows->Row(first + n)};
      },
      writing);
  run->pinned = RunClients({{&busy, s.searchers}, {&writes, s.writers}}, w.cpus) && run->pinned;
  Append(busy.seconds(), &run->busy);
  run->inserts.insert(run->inserts.end(), writes.seconds().begin(), writes.seconds().end());
  run->insert_seconds += search.seconds;
  run->deadlocks += writes.deadlocks();
  run->errors += writes.errors();
  if (run->first_error.empty()) run->first_error = writes.first_error();
  for (size_t n : writes.written())
    subject->pool().Put(static_cast<int64_t>(present + n), rows->Row(first + n));
  run->added += subject->pool().rows() - present;
}

std::string Milliseconds(double seconds) {
  return fmt::format("{:.2f}", seconds * 1e3);
}

std::vector<std::string> CellsOf(const MixedSettings& s, const MixedRun& run,
                                 WriteSubject* subject) {
  LatencySummary quiet = Summarize(run.quiet), busy = Summarize(run.busy);
  LatencySummary insert = Summarize(run.inserts);
  const double seconds = s.search.seconds * s.rounds;
  return {subject->label(),
          subject->EfText(),
          RecallText(run.before),
          RecallText(run.after),
          RecallText(run.fresh),
          run.size_before,
          run.size_after,
          IndexText(subject),
          Thousands(static_cast<double>(run.quiet.size()) / seconds),
          Thousands(static_cast<double>(run.busy.size()) / seconds),
          Milliseconds(quiet.p50),
          Milliseconds(busy.p50),
          Milliseconds(quiet.p99),
          Milliseconds(busy.p99),
          quiet.p99 > 0 ? fmt::format("{:.2f}x", busy.p99 / quiet.p99) : "-",
          Thousands(static_cast<double>(run.inserts.size()) / seconds),
          Milliseconds(insert.p99),
          std::to_string(run.deadlocks),
          std::to_string(run.errors)};
}

}  // namespace

void RunMixed(const CommandLine& options) {
  WriteSettings w(options, "synthetic:n=60000,d=128,q=1000");
  MixedSettings s;
  double share = options.GetDouble("share", 0.2);
  s.searchers = static_cast<int>(options.GetInt("searchers", s.searchers));
  s.writers = static_cast<int>(options.GetInt("writers", s.writers));
  s.rate = options.GetDouble("rate", 0);
  s.rounds = static_cast<int>(options.GetInt("rounds", s.rounds));
  s.search.k = w.k;
  s.search.seconds = options.GetDouble("seconds", 20);
  s.search.warm_up = 1;
  std::string cache = CacheDirOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "mixed"));
  WriteSubjects subjects = SubjectsOf(options, w, "mixed");
  options.RefuseUnused();
  if (share <= 0 || s.searchers < 1 || s.writers < 1 || s.rounds < 1)
    Fail("--share, --searchers, --writers and --rounds must be above 0");

  Dataset dataset = OpenDataset(w.data, cache);
  const size_t present = static_cast<size_t>(static_cast<double>(dataset.base.rows) / (1 + share));
  std::vector<MixedRun> runs(subjects.size());
  for (size_t i = 0; i < subjects.size(); ++i) {
    subjects[i]->Build(dataset, present);
    runs[i].before = subjects[i]->Recall();
    runs[i].size_before = IndexText(subjects[i].get());
  }
  AddedRows rows(dataset, present, AddPattern::kSpread);
  for (int round = 0; round < s.rounds; ++round) {
    for (size_t i = 0; i < subjects.size(); ++i)
      RunRound(s, w, dataset, &rows, subjects[i].get(), &runs[i]);
    fmt::print(stderr, "  round {} of {} done\n", round + 1, s.rounds);
  }

  MarkdownTable table({"engine", "ef", fmt::format("recall@{} before", w.k), "after", "fresh build",
                       "index before", "after", "fresh build", "searches/s without writers", "with",
                       "p50 ms without", "with", "p99 ms without", "with", "p99, with / without",
                       "inserts/s", "insert p99 ms", "deadlocks", "other errors"});
  std::vector<std::string> errors;
  bool pinned = true;
  for (size_t i = 0; i < subjects.size(); ++i) {
    MixedRun& run = runs[i];
    GroundTruth truth = subjects[i]->pool().Truth(static_cast<size_t>(w.k));
    run.after = subjects[i]->Recall(truth);
    run.size_after = IndexText(subjects[i].get());
    subjects[i]->Reindex();
    run.fresh = subjects[i]->Recall(truth);
    table.Add(CellsOf(s, run, subjects[i].get()));
    pinned = pinned && run.pinned;
    if (!run.first_error.empty()) errors.push_back(subjects[i]->label() + ": " + run.first_error);
  }
  Introduce("mixed", options, w, dataset, subjects,
            {fmt::format("data: {} rows x {} dimensions, {}, present; then {} clients search for "
                         "{} s, and again while {} insert rows like those present ({}); {} rounds, "
                         "engines in turn; {} s of warm-up each time",
                         Thousands(static_cast<double>(present)), dataset.dim(),
                         MetricName(dataset.metric), s.searchers, s.search.seconds, s.writers,
                         s.rate > 0 ? fmt::format("{} rows/s together at most", s.rate)
                                    : "as fast as they can",
                         s.rounds, s.search.warm_up),
             fmt::format("all clients in one thread (epoll), on the CPUs of the backends{}",
                         pinned ? "" : " (NOT pinned)")},
            &report);
  report.Table(table, "table");
  if (!errors.empty()) report.Bullets(errors);
  report.Paragraph("Load average at the end: " + LoadAverage());
}

}  // namespace quiver::bench
