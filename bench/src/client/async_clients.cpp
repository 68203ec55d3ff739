#include "client/async_clients.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

namespace {

// All queries in wire form, made before the clock starts.
std::vector<std::string> Encode(const ServerEngine& engine, const Matrix& queries) {
  std::vector<std::string> encoded(queries.rows);
  for (size_t i = 0; i < queries.rows; ++i)
    AppendValue(engine.table().am().search_wire(), queries, queries.Row(i), &encoded[i]);
  return encoded;
}

class Client {
 public:
  Client(const ServerEngine& engine, const AsyncSettings& settings, int epoll)
      : session_(engine.NewSession()), k_(settings.k) {
    engine.SetEf(session_.get(), settings.ef);
    session_->Prepare("search", engine.table().SearchSql(engine.metric(), settings.k),
                      {engine.table().am().SearchTypeOid(session_.get())});
    if (PQsetnonblocking(session_->raw(), 1) != 0) Fail("{}", PQerrorMessage(session_->raw()));
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.ptr = this;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, PQsocket(session_->raw()), &event) != 0)
      Fail("could not watch a connection");
  }

  bool Pin(const std::vector<int>& cpus) {
    return session_->is_local() && PinTo(session_->backend_pid(), cpus);
  }

  void Send(size_t number, const std::string& query, double now) {
    const char* values[] = {query.data()};
    int lengths[] = {static_cast<int>(query.size())};
    int formats[] = {1};
    if (PQsendQueryPrepared(session_->raw(), "search", 1, values, lengths, formats, 1) != 1)
      Fail("{}", PQerrorMessage(session_->raw()));
    // A query is some KB: the socket takes it at once, or after a few tries.
    int left;
    while ((left = PQflush(session_->raw())) == 1) {
    }
    if (left < 0) Fail("{}", PQerrorMessage(session_->raw()));
    number_ = number;
    sent_ = now;
  }

  // True when the answer is complete; then `ids` (k of them) is filled.
  bool Receive(int64_t* ids) {
    if (PQconsumeInput(session_->raw()) != 1) Fail("{}", PQerrorMessage(session_->raw()));
    while (PQisBusy(session_->raw()) == 0) {
      PGresult* raw = PQgetResult(session_->raw());
      if (raw == nullptr) return true;
      PgResult result(raw, PQclear);
      session_->Check(result.get(), "the search");
      int rows = PQntuples(result.get());
      for (int i = 0; i < k_; ++i)
        ids[i] = i < rows ? ReadInt64(PQgetvalue(result.get(), i, 0)) : kNoRow;
    }
    return false;
  }

  size_t number() const { return number_; }
  double sent() const { return sent_; }

 private:
  std::unique_ptr<PgConnection> session_;
  int k_;
  size_t number_ = 0;
  double sent_ = 0;
};

}  // namespace

AsyncRun RunAsyncClients(const ServerEngine& engine, const Matrix& queries,
                         const AsyncSettings& settings) {
  std::vector<std::string> encoded = Encode(engine, queries);
  const size_t k = static_cast<size_t>(settings.k);
  AsyncRun run;
  run.ids.assign(queries.rows * k, kNoRow);
  run.asked.assign(queries.rows, false);
  run.seconds.reserve(1 << 20);
  run.pinned = !settings.cpus.empty();
  if (run.pinned) run.pinned = PinTo(0, settings.cpus);

  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) Fail("could not create an epoll instance");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < settings.clients; ++i) {
    clients.push_back(std::make_unique<Client>(engine, settings, epoll));
    if (!settings.cpus.empty()) run.pinned = clients.back()->Pin(settings.cpus) && run.pinned;
  }

  size_t next = 0;
  auto take = [&] { return next++ % queries.rows; };
  Stopwatch watch;
  double now = watch.Seconds();
  for (auto& client : clients) {
    size_t number = take();
    client->Send(number, encoded[number], now);
  }
  const double begin = settings.warm_up;
  const double end = settings.warm_up + settings.seconds;
  bool measuring = false;
  double cpu_before = 0;
  size_t in_flight = clients.size();
  std::vector<epoll_event> events(clients.size());
  std::vector<int64_t> ids(k);
  while (in_flight > 0) {
    int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 30000);
    if (ready == 0) Fail("no answer within 30 seconds");
    for (int i = 0; i < ready; ++i) {
      Client* client = static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
      if (!client->Receive(ids.data())) continue;
      now = watch.Seconds();
      if (!measuring && now >= begin) {
        measuring = true;
        cpu_before = ThreadCpuSeconds();
      }
      if (client->sent() >= begin && now <= end)
        run.seconds.push_back(static_cast<float>(now - client->sent()));
      size_t number = client->number();
      std::copy(ids.begin(), ids.end(), run.ids.begin() + static_cast<long>(number * k));
      run.asked[number] = true;
      if (now >= end) {
        --in_flight;
        continue;
      }
      number = take();
      client->Send(number, encoded[number], now);
    }
  }
  run.client_cpu = ThreadCpuSeconds() - cpu_before;
  run.elapsed = settings.seconds;
  close(epoll);
  return run;
}

}  // namespace quiver::bench
