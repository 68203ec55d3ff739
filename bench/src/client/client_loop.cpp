#include "client/client_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"

namespace quiver::bench {

namespace {

constexpr int kLongestAnswer = 120000;  // milliseconds
constexpr int kWaitStep = 1;            // how often clients that wait are asked again, milliseconds

class Client {
 public:
  Client(Workload* work, size_t number)
      : work_(work), number_(number), session_(work->NewSession()) {
    if (PQsetnonblocking(session_->raw(), 1) != 0 || PQenterPipelineMode(session_->raw()) != 1)
      Fail("{}", PQerrorMessage(session_->raw()));
  }

  int socket() const { return PQsocket(session_->raw()); }
  bool Pin(const std::vector<int>& cpus) {
    return session_->is_local() && PinTo(session_->backend_pid(), cpus);
  }

  Workload::Next Send(double now) {
    calls_.clear();
    Workload::Next next = work_->Take(number_, now, &calls_);
    if (next != Workload::Next::kSend) return next;
    for (const PreparedCall& call : calls_) Queue(call);
    int left = PQpipelineSync(session_->raw()) == 1 ? 1 : -1;
    // Some KB: the socket takes it at once, or after a few tries.
    while (left == 1) left = PQflush(session_->raw());
    if (left < 0) Fail("{}", PQerrorMessage(session_->raw()));
    sent_ = now;
    return next;
  }

  // True when the transaction has ended and the workload knows of it.
  bool Receive(const Stopwatch& watch) {
    PGconn* raw = session_->raw();
    if (PQconsumeInput(raw) != 1) Fail("{}", PQerrorMessage(raw));
    while (PQisBusy(raw) == 0) {
      PgResult result(PQgetResult(raw), PQclear);
      switch (PQresultStatus(result.get())) {
        case PGRES_PIPELINE_SYNC:
          if (message_.empty())
            work_->Done(number_, sent_, watch.Seconds());
          else
            work_->Failed(number_, state_, message_);
          message_.clear();
          return true;
        case PGRES_FATAL_ERROR:
          if (!result) break;  // the end of one statement's results
          if (PQstatus(raw) != CONNECTION_OK) Fail("{}", PQerrorMessage(raw));
          if (const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE))
            state_ = state;
          message_ = PQresultErrorMessage(result.get());
          break;
        case PGRES_PIPELINE_ABORTED:
          break;
        default:
          work_->Answer(number_, result.get());
      }
    }
    return false;
  }

 private:
  void Queue(const PreparedCall& call) {
    values_.clear();
    lengths_.clear();
    for (const std::string* value : call.values) {
      values_.push_back(value->data());
      lengths_.push_back(static_cast<int>(value->size()));
    }
    formats_.assign(values_.size(), 1);
    if (PQsendQueryPrepared(session_->raw(), call.statement, static_cast<int>(values_.size()),
                            values_.data(), lengths_.data(), formats_.data(), 1) != 1)
      Fail("{}", PQerrorMessage(session_->raw()));
  }

  Workload* work_;
  size_t number_;
  std::unique_ptr<PgConnection> session_;
  double sent_ = 0;
  std::string state_, message_;  // of an error in the transaction in flight
  std::vector<PreparedCall> calls_;
  std::vector<const char*> values_;
  std::vector<int> lengths_, formats_;
};

// The descriptor, closed however the loop ends.
struct Epoll {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  ~Epoll() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

bool RunClients(const std::vector<ClientGroup>& groups, const std::vector<int>& cpus) {
  PinnedScope scope(cpus);
  bool pinned = !cpus.empty() && PinTo(0, cpus);
  Epoll epoll;
  std::vector<std::unique_ptr<Client>> clients;
  for (const ClientGroup& group : groups) {
    for (int i = 0; i < group.clients; ++i) {
      clients.push_back(std::make_unique<Client>(group.work, static_cast<size_t>(i)));
      if (!cpus.empty()) pinned = clients.back()->Pin(cpus) && pinned;
      epoll_event event = {};
      event.events = EPOLLIN;
      event.data.ptr = clients.back().get();
      if (epoll_ctl(epoll.fd, EPOLL_CTL_ADD, clients.back()->socket(), &event) != 0)
        Fail("could not watch a connection");
    }
  }

  size_t left = clients.size();
  std::vector<Client*> waiting;
  Stopwatch watch;
  auto send = [&](Client* client) {
    Workload::Next next = client->Send(watch.Seconds());
    if (next == Workload::Next::kWait) waiting.push_back(client);
    if (next == Workload::Next::kFinished) --left;
  };
  for (auto& client : clients) send(client.get());
  std::vector<epoll_event> events(clients.size());
  while (left > 0) {
    int timeout = waiting.empty() ? kLongestAnswer : kWaitStep;
    int ready = epoll_wait(epoll.fd, events.data(), static_cast<int>(events.size()), timeout);
    if (ready == 0 && waiting.empty()) Fail("no answer within {} ms", kLongestAnswer);
    for (int i = 0; i < ready; ++i) {
      Client* client = static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
      if (client->Receive(watch)) send(client);
    }
    std::vector<Client*> again;
    again.swap(waiting);
    for (Client* client : again) send(client);
  }
  return pinned;
}

}  // namespace quiver::bench
