#include "mode/write_subject.h"

#include <algorithm>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "client/search_run.h"
#include "data/seeded_random.h"
#include "mode/mode.h"
#include "pg/copy_in.h"
#include "report/environment.h"

namespace quiver::bench {

namespace {

// Tables that a mode changes have names that no mode keeps tables under.
std::unique_ptr<ServerEngine> EngineOf(const std::string& text, const EngineContext& context,
                                       bool with_index, std::string* label) {
  Spec spec = Spec::Parse(text);
  if (!spec.Get("on", "").empty()) Fail("\"{}\": on= is not for modes that change tables", text);
  *label = with_index ? spec.Get("label", spec.name) : "table alone";
  spec.values["label"] = "changed " + *label;
  return std::make_unique<ServerEngine>(spec, context, with_index);
}

PgParameter Int8Array(const std::vector<int64_t>& values) {
  constexpr Oid kInt8ArrayOid = 1016;
  constexpr int32_t kInt8Oid = 20;
  PgParameter array = {kInt8ArrayOid, ""};
  // One dimension, no NULLs, the type, how many, counted from 1; then each with its length.
  for (int32_t word : {1, 0, kInt8Oid, static_cast<int32_t>(values.size()), 1})
    AppendInt32(word, &array.bytes);
  for (int64_t value : values) {
    AppendInt32(sizeof(value), &array.bytes);
    AppendInt64(value, &array.bytes);
  }
  return array;
}

}  // namespace

WriteSettings::WriteSettings(const CommandLine& options, const std::string& default_data)
    : data(options.Get("data", default_data)),
      k(static_cast<int>(options.GetInt("k", 10))),
      recall(options.GetDouble("recall", 0.95)),
      cpu(static_cast<int>(options.GetInt("cpu", 0))),
      cpus(ParseIntList("--cpus", options.Get("cpus", CpuCount() > 1 ? "0,1" : "0"))),
      build(BuildSettingsOf(options)),
      context(ContextOf(options)),
      load(LoadAverage()) {
  build.reuse = false;
}

WriteSubject::WriteSubject(const std::string& spec, const WriteSettings& settings, bool with_index)
    : s_(settings), engine_(EngineOf(spec, settings.context, with_index, &label_)) {}

WriteSubject::~WriteSubject() {
  try {
    if (pool_) engine_->NewSession()->TryExec("DROP TABLE IF EXISTS " + engine_->table().name());
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", label_, error.what());
  }
}

void WriteSubject::Build(const Dataset& dataset, size_t present, const std::string& prepare) {
  fmt::print(stderr, "{}: loading and building ...\n", label_);
  pool_ = std::make_unique<RowPool>(dataset, present);
  engine_->BuildWith(pool_->dataset(), s_.build, [&](PgConnection* session) {
    const std::string& table = engine_->table().name();
    session->Exec("ALTER TABLE " + table +
                  " SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)");
    if (!prepare.empty()) session->Exec(fmt::format(fmt::runtime(prepare), table));
  });
  if (choice_ || !has_index()) return;
  GroundTruth truth = pool_->Truth(static_cast<size_t>(s_.k));
  choice_ = EfFinder(pool_->dataset(), truth, s_.k).Find(engine_.get(), s_.recall);
}

std::optional<double> WriteSubject::RecallAgainst(const Dataset& dataset,
                                                  const GroundTruth& truth) {
  if (!has_index()) return std::nullopt;
  std::string rows =
      *engine_->NewSession()->Value("SELECT count(*) FROM " + engine_->table().name());
  if (rows != std::to_string(pool_->LiveIds().size()))
    Fail("{} has {} rows, not {}", engine_->table().name(), rows, pool_->LiveIds().size());
  std::vector<int64_t> ids = AnswerAll(engine_.get(), dataset.queries, s_.k, ef());
  return truth.Recall(dataset, 0, dataset.queries.rows, static_cast<size_t>(s_.k), ids);
}

std::optional<double> WriteSubject::Recall(const GroundTruth& truth) {
  return RecallAgainst(pool_->dataset(), truth);
}

std::optional<double> WriteSubject::RecallOf(const Matrix& queries) {
  return RecallAgainst(pool_->WithQueries(queries),
                       pool_->TruthFor(queries, static_cast<size_t>(s_.k)));
}

double WriteSubject::IndexBytes() {
  return ParseDouble("size", *engine_->NewSession()->Value(
                                 "SELECT pg_catalog.pg_relation_size(" +
                                 QuoteLiteral(engine_->table().qualified_index()) + ")"));
}

std::unique_ptr<PgConnection> WriteSubject::PinnedSession() {
  auto session = engine_->NewSession();
  // What it commits is known to be committed by all at once: no hint bit waits for the WAL writer.
  session->Exec("SET synchronous_commit = on");
  session->Exec("SET maintenance_work_mem = " + QuoteLiteral(s_.build.memory));
  session->Exec(fmt::format("SET max_parallel_maintenance_workers = {}", s_.build.workers));
  if (session->is_local()) PinTo(session->backend_pid(), {s_.cpu});
  return session;
}

double WriteSubject::Timed(const std::string& sql) {
  auto session = PinnedSession();
  PinnedScope pinned(s_.cpu);
  session->Exec("CHECKPOINT");
  std::optional<double> before, after;
  if (session->is_local()) before = CpuSecondsOf(session->backend_pid());
  Stopwatch watch;
  session->Exec(sql);
  double seconds = watch.Seconds();
  if (before) after = CpuSecondsOf(session->backend_pid());
  last_cpu_.reset();
  if (after) last_cpu_ = *after - *before;
  return seconds;
}

double WriteSubject::Delete(const std::vector<int64_t>& ids) {
  auto session = PinnedSession();
  PinnedScope pinned(s_.cpu);
  std::string sql = "WITH gone AS (DELETE FROM " + engine_->table().name() +
                    " WHERE id = ANY ($1) RETURNING 1) SELECT count(*) FROM gone";
  PgParameter list = Int8Array(ids);
  Stopwatch watch;
  PgResult result = session->ExecBinary(sql, {list});
  double seconds = watch.Seconds();
  std::string gone = PQgetvalue(result.get(), 0, 0);
  if (gone != std::to_string(ids.size()))
    Fail("{} of {} rows were deleted from {}", gone, ids.size(), engine_->table().name());
  pool_->Delete(ids);
  return seconds;
}

double WriteSubject::Vacuum() {
  return Timed("VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, PARALLEL 0) " + engine_->table().name());
}

double WriteSubject::Reindex() {
  return Timed("REINDEX INDEX " + engine_->table().qualified_index());
}

double WriteSubject::CopyIn(const std::vector<int64_t>& ids) {
  auto session = PinnedSession();
  PinnedScope pinned(s_.cpu);
  Stopwatch watch;
  quiver::bench::CopyIn copy(session.get(), engine_->table().name() + " (id, embedding)");
  const Matrix& rows = pool_->dataset().base;
  std::string field;
  for (int64_t id : ids) {
    copy.BeginRow(2);
    field.clear();
    AppendInt64(id, &field);
    copy.AddField(field);
    field.clear();
    AppendValue(engine_->table().am().wire(), rows, rows.Row(static_cast<size_t>(id)), &field);
    copy.AddField(field);
  }
  copy.Finish();
  double seconds = watch.Seconds();
  pool_->Restore(ids);
  return seconds;
}

WriteLoad WriteSubject::Write(WriteKind kind, const std::function<WrittenRow(size_t)>& source,
                              const WriteLoadSettings& settings, int clients) {
  WriteLoad load(*engine_, kind, source, settings);
  RunClients({{&load, clients}}, clients == 1 ? std::vector<int>{s_.cpu} : s_.cpus);
  if (kind == WriteKind::kUpdateOther) return load;
  for (size_t n : load.written()) {
    WrittenRow row = source(n);
    pool_->Put(row.id, row.row);
  }
  return load;
}

WriteSubjects SubjectsOf(const CommandLine& options, const WriteSettings& settings,
                         const std::string& mode) {
  WriteSubjects subjects;
  for (const std::string& spec : EngineSpecsOf(options)) {
    std::string name = Spec::Parse(spec).name;
    if (name == "exact" || name == "hnswlib" || name == "faiss")
      Fail("{} is for access methods of a server, not for {}", mode, name);
    subjects.push_back(std::make_unique<WriteSubject>(spec, settings));
  }
  if (subjects.empty()) Fail("no engine was named; say --engine=NAME, more than once if wanted");
  return subjects;
}

std::unique_ptr<WriteSubject> TableAlone(const CommandLine& options,
                                         const WriteSettings& settings) {
  return std::make_unique<WriteSubject>(EngineSpecsOf(options).at(0), settings,
                                        /*with_index=*/false);
}

void Introduce(const std::string& mode, const CommandLine& options, const WriteSettings& settings,
               const Dataset& dataset, const WriteSubjects& subjects,
               const std::vector<std::string>& facts, MarkdownReport* report) {
  report->Heading(mode + ": " + dataset.name);
  report->Paragraph(CommandOf(mode, options));
  std::vector<std::string> items = facts;
  items.push_back(fmt::format(
      "recall@{} over {} queries against the rows that are live then, always at the ef that "
      "reached {} on the rows present at first (or was given); *fresh build*: REINDEX at the end, "
      "same rows, same "
      "ef",
      settings.k, Thousands(static_cast<double>(dataset.queries.rows)), settings.recall));
  items.push_back("machine: " + MachineLine() + "; load average at the start " + settings.load);
  std::string cpus;
  for (int cpu : settings.cpus) cpus += fmt::format("{}{}", cpus.empty() ? "" : ", ", cpu);
  items.push_back(fmt::format(
      "one client and its backend on CPU {}, several together on CPUs {}; prepared statements, "
      "binary parameters, one transaction a row unless said otherwise",
      settings.cpu, cpus));
  items.push_back(fmt::format(
      "m = {}, ef_construction = {}, maintenance_work_mem = {}, {} build workers", settings.build.m,
      settings.build.ef_construction, settings.build.memory, settings.build.workers));
  for (const auto& subject : subjects)
    items.push_back(subject->label() + ": " +
                    (subject->has_index() ? subject->engine().Description()
                                          : "the same rows in a table without a vector index"));
  PgConnection connection(settings.context.conninfo);
  items.push_back("server: " + ServerLine(&connection) + ", full_page_writes = " +
                  connection.Value("SHOW full_page_writes").value_or("?") +
                  "; autovacuum off for the tables");
  if (!connection.is_local()) items.push_back("the server is remote: its backends are not pinned");
  std::string session_settings;
  for (const std::string& setting : settings.context.session_settings)
    session_settings += " " + setting;
  if (!session_settings.empty()) items.push_back("session settings:" + session_settings);
  report->Bullets(items);
}

std::string RecallText(const std::optional<double>& recall) {
  return recall ? fmt::format("{:.4f}", *recall) : "-";
}

std::string IndexText(WriteSubject* subject) {
  return subject->has_index() ? Megabytes(subject->IndexBytes()) : "-";
}

std::vector<int64_t> Drawn(std::vector<int64_t> ids, size_t count, uint64_t seed) {
  SeededRandom random(seed);
  for (size_t i = 0; i < count; ++i) std::swap(ids[i], ids[i + random.Below(ids.size() - i)]);
  ids.resize(count);
  return ids;
}

}  // namespace quiver::bench
