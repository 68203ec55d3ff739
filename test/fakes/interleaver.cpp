#include "fakes/interleaver.h"

#include <thread>
#include <vector>

namespace quiver::fakes {

// Gives the turn to a random ready session, and waits for it to come back unless
// this one is done.  False where nobody is ready.  Wakes that one only: schedules are
// made of little else.
bool Interleaver::PassOn(size_t self, bool may_stay) {
  std::vector<size_t> ready;
  for (size_t i = 0; i < sessions_.size(); i++)
    if (sessions_[i].state == kReady && (may_stay || i != self)) ready.push_back(i);
  if (ready.empty()) return false;
  current_ = ready[random_.Next() % ready.size()];
  if (current_ == self) return true;
  const bool done = sessions_[self].state == kDone;
  sessions_[current_].turn.release();
  if (!done) sessions_[self].turn.acquire();
  return true;
}

void Interleaver::Run() {
  current_ = 0;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < sessions_.size(); i++) {
    threads.emplace_back([this, i] {
      sessions_[i].turn.acquire();
      sessions_[i].body();
      sessions_[i].state = kDone;
      Wake();
      PassOn(i, false);
    });
  }
  sessions_[0].turn.release();
  for (std::thread& thread : threads) thread.join();
}

void Interleaver::Pause() {
  if (random_.Next() % every_ == 0) PassOn(current_, true);
}

bool Interleaver::Block() {
  const size_t self = current_;
  sessions_[self].state = kBlocked;
  if (PassOn(self, false)) return true;
  sessions_[self].state = kReady;
  return false;
}

void Interleaver::Wake() {
  for (Session& session : sessions_)
    if (session.state == kBlocked) session.state = kReady;
}

}  // namespace quiver::fakes
