// replace: searching and inserting clients while REINDEX INDEX CONCURRENTLY replaces the index.
#include <algorithm>

#include "base/failure.h"
#include "client/search_load.h"
#include "client/statement_load.h"
#include "data/added_rows.h"
#include "mode/mode.h"
#include "mode/write_subject.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

constexpr double kWarmUp = 1;  // seconds, in each state

struct ReplaceSettings {
  int searchers = 4, writers = 1;
  int rounds = 2;
  double seconds = 20;
  double search_rate = 0, rate = 0;
};

// What clients saw in one state of a subject, all rounds of it.
struct State {
  double seconds = 0;
  std::vector<double> searches, inserts;  // seconds of each
};

struct ReplaceRun {
  State idle, inserting, replacing;
  std::vector<double> builds;  // seconds
  size_t added = 0;
  size_t errors = 0;
  std::string first_error;
  std::optional<double> before, after, fresh;
  std::string size_before, size_after;
  bool pinned = true;
};

class Rounds {
 public:
  Rounds(const ReplaceSettings& s, const WriteSettings& w, const Dataset& dataset, AddedRows* rows)
      : s_(s), w_(w), dataset_(dataset), rows_(rows) {}

  void Run(WriteSubject* subject, ReplaceRun* run) {
    RunState(subject, 0, nullptr, &run->idle, run);
    RunState(subject, s_.writers, nullptr, &run->inserting, run);
    StatementLoad build(
        subject->engine(),
        {"SET maintenance_work_mem = " + QuoteLiteral(w_.build.memory),
         fmt::format("SET max_parallel_maintenance_workers = {}", w_.build.workers)},
        "REINDEX INDEX CONCURRENTLY " + subject->engine().table().qualified_index(), kWarmUp);
    RunState(subject, s_.writers, &build, &run->replacing, run);
    run->builds.push_back(build.seconds());
  }

 private:
  // For as long as `build` takes, or for the time of the settings.
  void RunState(WriteSubject* subject, int writers, StatementLoad* build, State* state,
                ReplaceRun* run) {
    const CountedSpan fixed = {kWarmUp, kWarmUp + s_.seconds};
    const CountedSpan* span = build ? &build->span() : &fixed;
    SearchLoadSettings searching;
    searching.k = w_.k;
    searching.ef = subject->ef();
    searching.rate = s_.search_rate;
    searching.span = span;
    SearchLoad searches(subject->engine(), dataset_.queries, searching);
    WriteLoadSettings writing;
    writing.rate = s_.rate;
    writing.span = span;
    const size_t present = subject->pool().rows(), first = run->added;
    WriteLoad writes(
        subject->engine(), WriteKind::kInsert,
        [&](size_t n) {
          return WrittenRow{static_cast<int64_t>(present + n), rows_->Row(first + n)};
        },
        writing);
    std::vector<ClientGroup> groups = {{&searches, s_.searchers}, {&writes, writers}};
    if (build) groups.push_back({build, 1});
    run->pinned = RunClients(groups, w_.cpus) && run->pinned;

    state->seconds += span->end - span->begin;
    state->searches.insert(state->searches.end(), searches.seconds().begin(),
                           searches.seconds().end());
    state->inserts.insert(state->inserts.end(), writes.seconds().begin(), writes.seconds().end());
    run->errors += writes.deadlocks() + writes.errors();
    if (run->first_error.empty()) run->first_error = writes.first_error();
    for (size_t n : writes.written())
      subject->pool().Put(static_cast<int64_t>(present + n), rows_->Row(first + n));
    run->added += subject->pool().rows() - present;
  }

  const ReplaceSettings& s_;
  const WriteSettings& w_;
  const Dataset& dataset_;
  AddedRows* rows_;
};

std::string Milliseconds(double seconds) {
  return fmt::format("{:.2f}", seconds * 1e3);
}

void AddStates(const ReplaceRun& run, WriteSubject* subject, MarkdownTable* table) {
  const double idle_p99 = Summarize(run.idle.searches).p99;
  auto add = [&](const char* name, const State& state) {
    LatencySummary search = Summarize(state.searches), insert = Summarize(state.inserts);
    table->Add({subject->label(), name, fmt::format("{:.1f}", state.seconds),
                Thousands(static_cast<double>(state.searches.size()) / state.seconds),
                Milliseconds(search.p50), Milliseconds(search.p95), Milliseconds(search.p99),
                Milliseconds(search.max),
                idle_p99 > 0 ? fmt::format("{:.2f}x", search.p99 / idle_p99) : "-",
                state.inserts.empty()
                    ? "-"
                    : Thousands(static_cast<double>(state.inserts.size()) / state.seconds),
                state.inserts.empty() ? "-" : Milliseconds(insert.p99)});
  };
  add("searches alone", run.idle);
  add("and inserts", run.inserting);
  add("and REINDEX CONCURRENTLY", run.replacing);
}

std::vector<std::string> CellsOf(const ReplaceRun& run, WriteSubject* subject) {
  auto [least, most] = std::minmax_element(run.builds.begin(), run.builds.end());
  return {subject->label(),
          subject->EfText(),
          fmt::format("{:.1f} .. {:.1f}", *least, *most),
          Thousands(static_cast<double>(run.added)),
          RecallText(run.before),
          RecallText(run.after),
          RecallText(run.fresh),
          run.size_before,
          run.size_after,
          IndexText(subject),
          std::to_string(run.errors)};
}

std::string RateText(double rate) {
  return rate > 0 ? fmt::format("{} a second together", rate) : "as fast as they can";
}

}  // namespace

void RunReplace(const CommandLine& options) {
  WriteSettings w(options, "synthetic:n=100000,d=128,q=1000");
  ReplaceSettings s;
  double share = options.GetDouble("share", 0.2);
  s.searchers = static_cast<int>(options.GetInt("searchers", s.searchers));
  s.writers = static_cast<int>(options.GetInt("writers", s.writers));
  s.rounds = static_cast<int>(options.GetInt("rounds", s.rounds));
  s.seconds = options.GetDouble("seconds", s.seconds);
  s.search_rate = options.GetDouble("search-rate", 0);
  s.rate = options.GetDouble("rate", 0);
  std::string cache = CacheDirOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "replace"));
  WriteSubjects subjects = SubjectsOf(options, w, "replace");
  options.RefuseUnused();
  if (share <= 0 || s.searchers < 1 || s.writers < 0 || s.rounds < 1)
    Fail("--share, --searchers and --rounds must be above 0, --writers not below");

  Dataset dataset = OpenDataset(w.data, cache);
  const size_t present = static_cast<size_t>(static_cast<double>(dataset.base.rows) / (1 + share));
  std::vector<ReplaceRun> runs(subjects.size());
  for (size_t i = 0; i < subjects.size(); ++i) {
    subjects[i]->Build(dataset, present);
    runs[i].before = subjects[i]->Recall();
    runs[i].size_before = IndexText(subjects[i].get());
  }
  AddedRows rows(dataset, present, AddPattern::kSpread);
  Rounds rounds(s, w, dataset, &rows);
  for (int round = 0; round < s.rounds; ++round) {
    for (size_t i = 0; i < subjects.size(); ++i) rounds.Run(subjects[i].get(), &runs[i]);
    fmt::print(stderr, "  round {} of {} done\n", round + 1, s.rounds);
  }

  MarkdownTable latencies({"engine", "state", "seconds", "searches/s", "p50 ms", "p95 ms", "p99 ms",
                           "max ms", "p99 / alone", "inserts/s", "insert p99 ms"});
  MarkdownTable table({"engine", "ef", "REINDEX s", "rows inserted",
                       fmt::format("recall@{} before", w.k), "after", "fresh build", "index before",
                       "after", "fresh build", "errors"});
  std::vector<std::string> errors;
  bool pinned = true;
  for (size_t i = 0; i < subjects.size(); ++i) {
    ReplaceRun& run = runs[i];
    GroundTruth truth = subjects[i]->pool().Truth(static_cast<size_t>(w.k));
    run.after = subjects[i]->Recall(truth);
    run.size_after = IndexText(subjects[i].get());
    subjects[i]->Reindex();
    run.fresh = subjects[i]->Recall(truth);
    AddStates(run, subjects[i].get(), &latencies);
    table.Add(CellsOf(run, subjects[i].get()));
    pinned = pinned && run.pinned;
    if (!run.first_error.empty()) errors.push_back(subjects[i]->label() + ": " + run.first_error);
  }
  Introduce("replace", options, w, dataset, subjects,
            {fmt::format("data: {} rows x {} dimensions, {}, present; then {} clients search ({}) "
                         "for {} s, again while {} insert rows like those present ({}), and again "
                         "with them while REINDEX INDEX CONCURRENTLY runs, as long as it takes; {} "
                         "rounds, engines in turn; {} s of warm-up each time",
                         Thousands(static_cast<double>(present)), dataset.dim(),
                         MetricName(dataset.metric), s.searchers, RateText(s.search_rate),
                         s.seconds, s.writers, RateText(s.rate), s.rounds, kWarmUp),
             fmt::format("all clients in one thread (epoll), on the CPUs of the backends{}; so is "
                         "the backend of REINDEX, its workers are on any",
                         pinned ? "" : " (NOT pinned)")},
            &report);
  report.Table(latencies, "latencies");
  report.Table(table, "table");
  if (!errors.empty()) report.Bullets(errors);
  report.Paragraph("Load average at the end: " + LoadAverage());
}

}  // namespace quiver::bench
