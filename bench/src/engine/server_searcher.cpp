#include "engine/server_searcher.h"

#include "base/failure.h"
#include "base/pinning.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

ServerSearcher::ServerSearcher(const ServerEngine& engine, int k)
    : engine_(engine), k_(k), connection_(engine.NewSession()) {
  connection_->Prepare("search", engine.table().SearchSql(engine.metric(), k),
                       {engine.table().am().SearchTypeOid(connection_.get())});
}

void ServerSearcher::SetEf(int ef) {
  engine_.SetEf(connection_.get(), ef);
}

void ServerSearcher::Search(const float* query, int64_t* ids) {
  value_.clear();
  AppendValue(engine_.table().am().search_wire(), engine_.table().shape(), query, &value_);
  const char* values[] = {value_.data()};
  int lengths[] = {static_cast<int>(value_.size())};
  int formats[] = {1};
  PgResult result(PQexecPrepared(connection_->raw(), "search", 1, values, lengths, formats, 1),
                  PQclear);
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
    connection_->Check(result.get(), "the search");
  int rows = PQntuples(result.get());
  for (int i = 0; i < k_; ++i)
    ids[i] = i < rows ? ReadInt64(PQgetvalue(result.get(), i, 0)) : kNoRow;
}

bool ServerSearcher::Pin(int cpu) {
  return connection_->is_local() && PinTo(connection_->backend_pid(), {cpu});
}

}  // namespace quiver::bench
