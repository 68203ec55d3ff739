// update: changing rows against adding them, whole statements.
#include <algorithm>
#include <array>

#include "base/failure.h"
#include "data/added_rows.h"
#include "data/seeded_random.h"
#include "mode/mode.h"
#include "mode/write_subject.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

constexpr uint64_t kSeed = 50;
// Statements find their row by a btree; that on `other` forbids HOT when `other` changes.
constexpr char kPrepare[] =
    "ALTER TABLE {0} ADD COLUMN other int NOT NULL DEFAULT 0; CREATE INDEX ON {0} (id); "
    "CREATE INDEX ON {0} (other)";

struct Kind {
  WriteKind kind;
  const char* text;
};

constexpr std::array<Kind, 4> kKinds = {{
    {WriteKind::kInsert, "INSERT"},
    {WriteKind::kUpdateOther, "UPDATE of another column, not HOT"},
    {WriteKind::kUpdateVector, "UPDATE of the vector"},
    {WriteKind::kReplace, "DELETE, INSERT"},
}};

// All rounds of one kind.
struct KindRun {
  std::vector<double> rates;  // rows/s, one a round
  std::vector<double> seconds;
  double grown = 0;  // bytes of the index
  size_t rows = 0;
};

struct UpdateRun {
  std::array<KindRun, kKinds.size()> kinds;
  size_t added = 0, numbers = 0;  // rows inserted, new vectors used
  std::optional<double> before;
  std::string size_before;
};

void RunRound(size_t writes, size_t present, AddedRows* rows, SeededRandom* random,
              WriteSubject* subject, UpdateRun* run) {
  for (size_t k = 0; k < kKinds.size(); ++k) {
    std::vector<int64_t> ids;
    for (size_t n = 0; n < writes; ++n)
      ids.push_back(kKinds[k].kind == WriteKind::kInsert
                        ? static_cast<int64_t>(present + run->added++)
                        : static_cast<int64_t>(random->Below(present)));
    const size_t first = run->numbers;
    if (kKinds[k].kind != WriteKind::kUpdateOther) run->numbers += writes;
    double before = subject->has_index() ? subject->IndexBytes() : 0;
    WriteLoadSettings settings;
    settings.rows = writes;
    WriteLoad load = subject->Write(
        kKinds[k].kind,
        [&](size_t n) {
          return WrittenRow{ids[n], rows->Row(first + n)};
        },
        settings);
    if (load.written().size() != writes) Fail("{}", load.first_error());
    KindRun& kind = run->kinds[k];
    kind.rates.push_back(load.RowsPerSecond());
    kind.seconds.insert(kind.seconds.end(), load.seconds().begin(), load.seconds().end());
    if (subject->has_index()) kind.grown += subject->IndexBytes() - before;
    kind.rows += writes;
  }
}

void AddSpeeds(const UpdateRun& run, const WriteSubject& subject, MarkdownTable* table) {
  const double insert = Percentile(run.kinds[0].rates, 0.5);
  for (size_t k = 0; k < kKinds.size(); ++k) {
    const KindRun& kind = run.kinds[k];
    LatencySummary latency = Summarize(kind.seconds);
    const double rate = Percentile(kind.rates, 0.5);
    table->Add(
        {subject.label(), kKinds[k].text, Thousands(rate),
         Thousands(Percentile(kind.rates, 0)) + " .. " + Thousands(Percentile(kind.rates, 1)),
         Microseconds(latency.p50), Microseconds(latency.p99),
         fmt::format("{:.2f}x", rate / insert),
         subject.has_index() ? Thousands(kind.grown / static_cast<double>(kind.rows)) : "-"});
  }
}

}  // namespace

void RunUpdate(const CommandLine& options) {
  WriteSettings w(options, "synthetic:n=60000,d=128,q=1000");
  double share = options.GetDouble("share", 0.2);
  size_t writes = static_cast<size_t>(options.GetInt("writes", 500));
  int rounds = static_cast<int>(options.GetInt("rounds", 5));
  std::string cache = CacheDirOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "update"));
  WriteSubjects subjects = SubjectsOf(options, w, "update");
  subjects.push_back(TableAlone(options, w));
  options.RefuseUnused();
  if (share <= 0 || writes < 1 || rounds < 1)
    Fail("--share, --writes and --rounds must be above 0");

  Dataset dataset = OpenDataset(w.data, cache);
  const size_t present = static_cast<size_t>(static_cast<double>(dataset.base.rows) / (1 + share));
  std::vector<UpdateRun> runs(subjects.size());
  std::vector<SeededRandom> randoms(subjects.size(), SeededRandom(kSeed));
  for (size_t i = 0; i < subjects.size(); ++i) {
    subjects[i]->Build(dataset, present, kPrepare);
    runs[i].before = subjects[i]->Recall();
    runs[i].size_before = IndexText(subjects[i].get());
  }
  AddedRows rows(dataset, present, AddPattern::kSpread);
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < subjects.size(); ++i)
      RunRound(writes, present, &rows, &randoms[i], subjects[i].get(), &runs[i]);
    fmt::print(stderr, "  round {} of {} done\n", round + 1, rounds);
  }

  MarkdownTable speeds({"engine", "transaction", "rows/s, median", "min .. max", "p50 us", "p99 us",
                        "rows/s against INSERT", "index grows, bytes a row"});
  MarkdownTable worth({"engine", "ef", fmt::format("recall@{} before", w.k), "after", "fresh build",
                       "index before", "after", "fresh build"});
  for (size_t i = 0; i < subjects.size(); ++i) {
    WriteSubject* subject = subjects[i].get();
    AddSpeeds(runs[i], *subject, &speeds);
    if (!subject->has_index()) continue;
    GroundTruth truth = subject->pool().Truth(static_cast<size_t>(w.k));
    std::optional<double> after = subject->Recall(truth);
    std::string size_after = IndexText(subject);
    subject->Reindex();
    worth.Add({subject->label(), subject->EfText(), RecallText(runs[i].before), RecallText(after),
               RecallText(subject->Recall(truth)), runs[i].size_before, size_after,
               IndexText(subject)});
  }
  Introduce("update", options, w, dataset, subjects,
            {fmt::format("data: {} rows x {} dimensions, {}, present; {} rounds of {} transactions "
                         "of each kind, engines in turn; new vectors are like those present, the "
                         "rows to change drawn at random; nothing is vacuumed",
                         Thousands(static_cast<double>(present)), dataset.dim(),
                         MetricName(dataset.metric), rounds, writes),
             "btrees on id and on the other column, which is why its UPDATE is not HOT; *DELETE, "
             "INSERT*: two statements of one transaction, sent together"},
            &report);
  report.Table(speeds, "speeds");
  report.Paragraph("The index before, and after all of that:");
  report.Table(worth, "index");
  report.Paragraph("Load average at the end: " + LoadAverage());
}

}  // namespace quiver::bench
