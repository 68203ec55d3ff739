// inserts: rows one by one into a table that has many, by one client and by several at once, in
// three patterns: how fast, how much WAL, and what the index is worth afterwards.
#include <algorithm>

#include "base/failure.h"
#include "data/added_rows.h"
#include "mode/mode.h"
#include "mode/write_subject.h"
#include "pg/server_setting.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

constexpr size_t kNearQueries = 200;

struct InsertsSettings {
  std::vector<AddPattern> patterns;
  std::vector<int> clients;
  size_t present = 0, added = 0;
  size_t wal_inserts = 0;     // of each WAL figure; they are of the rows added
  bool alter_system = false;  // full_page_writes may be changed
};

// Rows added to one subject, in order, by whatever run.
class Adder {
 public:
  Adder(WriteSubject* subject, AddedRows* rows, size_t present)
      : subject_(subject), rows_(rows), present_(present) {}

  WriteLoad Add(size_t count, int clients) {
    WriteLoadSettings settings;
    settings.rows = count;
    const size_t first = added_;
    added_ += count;
    return subject_->Write(
        WriteKind::kInsert,
        [this, first](size_t n) {
          return WrittenRow{static_cast<int64_t>(present_ + first + n), rows_->Row(first + n)};
        },
        settings, clients);
  }
  size_t added() const { return added_; }

 private:
  WriteSubject* subject_;
  AddedRows* rows_;
  size_t present_;
  size_t added_ = 0;
};

// Bytes of WAL an insert, from a checkpoint on.
double WalBytes(Adder* adder, const EngineContext& context, size_t inserts) {
  PgConnection session(context.conninfo);
  session.Exec("CHECKPOINT");
  std::string before = *session.Value("SELECT pg_catalog.pg_current_wal_insert_lsn()");
  WriteLoad load = adder->Add(inserts, 1);
  if (load.written().size() != inserts) Fail("{}", load.first_error());
  return ParseDouble("wal", *session.Value("SELECT pg_catalog.pg_current_wal_insert_lsn() - " +
                                           QuoteLiteral(before) + "::pg_lsn")) /
         static_cast<double>(inserts);
}

struct WalFigures {
  std::optional<double> with_images, without;
};

WalFigures MeasureWal(const InsertsSettings& s, const EngineContext& context, Adder* adder) {
  WalFigures wal;
  if (s.wal_inserts == 0) return wal;
  if (s.alter_system) {
    {
      ServerSetting on(context.conninfo, "full_page_writes", "on");
      wal.with_images = WalBytes(adder, context, s.wal_inserts);
    }
    ServerSetting off(context.conninfo, "full_page_writes", "off");
    wal.without = WalBytes(adder, context, s.wal_inserts);
    return wal;
  }
  bool on = *PgConnection(context.conninfo).Value("SHOW full_page_writes") == "on";
  (on ? wal.with_images : wal.without) = WalBytes(adder, context, s.wal_inserts);
  return wal;
}

std::vector<std::string> Header(const InsertsSettings& s, const WriteSettings& w,
                                AddPattern pattern) {
  std::vector<std::string> header = {
      "engine", "clients", "ef", fmt::format("recall@{} before", w.k), "after", "fresh build"};
  if (pattern == AddPattern::kNear) {
    header.push_back("near the point, after");
    header.push_back("fresh build");
  }
  for (const char* column : {"index before", "after", "fresh build", "rows/s", "p50 us", "p99 us",
                             "deadlocks", "other errors"})
    header.push_back(column);
  header.push_back(fmt::format("WAL an insert, page images over {}", s.wal_inserts));
  header.push_back("without them");
  return header;
}

std::string BytesText(const std::optional<double>& bytes) {
  return bytes ? Thousands(*bytes) : "-";
}

// One row of a table; an error's text goes to `errors`.
std::vector<std::string> MeasureOne(const InsertsSettings& s, const WriteSettings& w,
                                    const Dataset& dataset, AddPattern pattern, int clients,
                                    WriteSubject* subject, std::vector<std::string>* errors) {
  subject->Build(dataset, s.present);
  AddedRows rows(dataset, s.present, pattern);
  Adder adder(subject, &rows, s.present);
  std::optional<double> before = subject->Recall();
  std::string size_before = IndexText(subject);
  WalFigures wal;
  if (clients == 1) wal = MeasureWal(s, w.context, &adder);
  fmt::print(stderr, "{}: {} inserts, {}, clients: {} ...\n", subject->label(),
             s.added - adder.added(), PatternName(pattern), clients);
  WriteLoad load = adder.Add(s.added - adder.added(), clients);
  if (!load.first_error().empty())
    errors->push_back(
        fmt::format("{}, clients: {}: {}", subject->label(), clients, load.first_error()));

  AddedRows like(dataset, s.present, pattern);
  Matrix near = like.Queries(std::min(kNearQueries, dataset.queries.rows));
  GroundTruth truth = subject->pool().Truth(static_cast<size_t>(w.k));
  std::optional<double> after = subject->Recall(truth);
  std::string size_after = IndexText(subject);
  std::optional<double> near_after, near_fresh, fresh;
  if (pattern == AddPattern::kNear) near_after = subject->RecallOf(near);
  if (subject->has_index()) subject->Reindex();
  fresh = subject->Recall(truth);
  if (pattern == AddPattern::kNear) near_fresh = subject->RecallOf(near);

  LatencySummary latency = Summarize(load.seconds());
  std::vector<std::string> cells = {subject->label(),   std::to_string(clients), subject->EfText(),
                                    RecallText(before), RecallText(after),       RecallText(fresh)};
  if (pattern == AddPattern::kNear) {
    cells.push_back(RecallText(near_after));
    cells.push_back(RecallText(near_fresh));
  }
  for (const std::string& cell :
       {size_before, size_after, IndexText(subject), Thousands(load.RowsPerSecond()),
        Microseconds(latency.p50), Microseconds(latency.p99), std::to_string(load.deadlocks()),
        std::to_string(load.errors()), BytesText(wal.with_images), BytesText(wal.without)})
    cells.push_back(cell);
  return cells;
}

const char* PatternText(AddPattern pattern) {
  switch (pattern) {
    case AddPattern::kSpread:
      return "rows like those present";
    case AddPattern::kNear:
      return "rows all near one that is present; recall also of queries near it";
    case AddPattern::kDuplicates:
      return "copies of 100 of the rows present, in turn";
  }
  return "";
}

}  // namespace

void RunInserts(const CommandLine& options) {
  WriteSettings w(options, "synthetic:n=60000,d=128,q=1000");
  InsertsSettings s;
  double share = options.GetDouble("share", 0.2);
  for (const std::string& name : SplitText(options.Get("patterns", "spread,near,duplicates"), ','))
    s.patterns.push_back(ParsePattern(name));
  s.clients = ParseIntList("--clients", options.Get("clients", "1,8"));
  s.alter_system = options.Has("alter-system");
  size_t wal_inserts = static_cast<size_t>(options.GetInt("wal-inserts", 2000));
  std::string cache = CacheDirOf(options);
  MarkdownReport report(options.Get("out", ""), options.Get("name", "inserts"));
  WriteSubjects subjects = SubjectsOf(options, w, "inserts");
  subjects.push_back(TableAlone(options, w));
  options.RefuseUnused();
  if (share <= 0) Fail("--share must be above 0");

  Dataset dataset = OpenDataset(w.data, cache);
  const double all = static_cast<double>(dataset.base.rows);
  s.present = static_cast<size_t>(all / (1 + share));
  s.added = dataset.base.rows - s.present;
  s.wal_inserts = std::min(wal_inserts, s.added / 4);

  bool introduced = false;
  for (AddPattern pattern : s.patterns) {
    MarkdownTable table(Header(s, w, pattern));
    std::vector<std::string> errors;
    for (int clients : s.clients) {
      for (const auto& subject : subjects)
        table.Add(MeasureOne(s, w, dataset, pattern, clients, subject.get(), &errors));
    }
    if (!introduced)
      Introduce(
          "inserts", options, w, dataset, subjects,
          {fmt::format("data: {} rows x {} dimensions, {}, present; {} more inserted",
                       Thousands(static_cast<double>(s.present)), dataset.dim(),
                       MetricName(dataset.metric), Thousands(static_cast<double>(s.added))),
           fmt::format("WAL: bytes by pg_current_wal_insert_lsn, table included (the table "
                       "alone has a row of its own), of {} inserts after a CHECKPOINT with "
                       "full_page_writes = on, then of as many after another with it off ({}); "
                       "one client, not counted in rows/s",
                       s.wal_inserts,
                       s.alter_system ? "set by ALTER SYSTEM, a reload and new sessions"
                                      : "only the one that the server has: no "
                                        "--alter-system")},
          &report);
    introduced = true;
    report.Paragraph(fmt::format("Pattern *{}*: {}. Load average at its end {}.",
                                 PatternName(pattern), PatternText(pattern), LoadAverage()));
    report.Table(table, PatternName(pattern));
    if (!errors.empty()) report.Bullets(errors);
  }
}

}  // namespace quiver::bench
