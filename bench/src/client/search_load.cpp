#include "client/search_load.h"

#include "base/failure.h"
#include "base/pinning.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

namespace {
constexpr char kSearch[] = "search";
}

SearchLoad::SearchLoad(const ServerEngine& engine, const Matrix& queries,
                       const SearchLoadSettings& settings)
    : engine_(engine),
      s_(settings),
      encoded_(queries.rows),
      ids_(queries.rows * static_cast<size_t>(settings.k), kNoRow),
      asked_(queries.rows, false),
      own_span_{settings.warm_up, settings.warm_up + settings.seconds},
      span_(settings.span ? settings.span : &own_span_) {
  for (size_t i = 0; i < queries.rows; ++i)
    AppendValue(engine.table().am().search_wire(), queries, queries.Row(i), &encoded_[i]);
  seconds_.reserve(1 << 20);
}

std::unique_ptr<PgConnection> SearchLoad::NewSession() {
  auto session = engine_.NewSession();
  engine_.SetEf(session.get(), s_.ef);
  session->Prepare(kSearch, engine_.table().SearchSql(engine_.metric(), s_.k),
                   {engine_.table().am().SearchTypeOid(session.get())});
  query_of_.push_back(0);
  return session;
}

Workload::Next SearchLoad::Take(size_t client, double now, std::vector<PreparedCall>* calls) {
  if (now >= span_->end) return Next::kFinished;
  if (s_.rate > 0 && static_cast<double>(next_) > now * s_.rate) return Next::kWait;
  query_of_[client] = next_++ % encoded_.size();
  calls->push_back({kSearch, {&encoded_[query_of_[client]]}});
  return Next::kSend;
}

void SearchLoad::Answer(size_t client, const PGresult* result) {
  const size_t query = query_of_[client];
  const int rows = PQntuples(result);
  for (int i = 0; i < s_.k; ++i)
    ids_[query * static_cast<size_t>(s_.k) + static_cast<size_t>(i)] =
        i < rows ? ReadInt64(PQgetvalue(result, i, 0)) : kNoRow;
  asked_[query] = true;
}

void SearchLoad::Done(size_t, double sent, double now) {
  if (now < span_->begin) return;
  if (!measuring_) cpu_begin_ = ThreadCpuSeconds();
  measuring_ = true;
  cpu_end_ = ThreadCpuSeconds();
  if (sent >= span_->begin && now <= span_->end) seconds_.push_back(static_cast<float>(now - sent));
}

void SearchLoad::Failed(size_t, const std::string&, const std::string& message) {
  Fail("{}while running: {}", message, engine_.table().SearchSql(engine_.metric(), s_.k));
}

}  // namespace quiver::bench
