#include "fakes/interleaver.h"

#include <thread>

namespace quiver::fakes {

// Gives the turn to a random ready session, and waits for it to come back unless
// this one is done.  False where nobody is ready.
bool Interleaver::PassOn(std::unique_lock<std::mutex>* lock, size_t self, bool may_stay) {
  std::vector<size_t> ready;
  for (size_t i = 0; i < sessions_.size(); i++)
    if (sessions_[i].state == kReady && (may_stay || i != self)) ready.push_back(i);
  if (ready.empty()) return false;
  current_ = ready[random_.Next() % ready.size()];
  if (current_ == self) return true;
  turn_.notify_all();
  if (sessions_[self].state != kDone) turn_.wait(*lock, [&] { return current_ == self; });
  return true;
}

void Interleaver::Run() {
  current_ = 0;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < sessions_.size(); i++) {
    threads.emplace_back([this, i] {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        turn_.wait(lock, [&] { return current_ == i; });
      }
      sessions_[i].body();
      std::unique_lock<std::mutex> lock(mutex_);
      sessions_[i].state = kDone;
      for (Session& session : sessions_)
        if (session.state == kBlocked) session.state = kReady;
      PassOn(&lock, i, false);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void Interleaver::Pause() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (random_.Next() % every_ == 0) PassOn(&lock, current_, true);
}

bool Interleaver::Block() {
  std::unique_lock<std::mutex> lock(mutex_);
  const size_t self = current_;
  sessions_[self].state = kBlocked;
  if (PassOn(&lock, self, false)) return true;
  sessions_[self].state = kReady;
  return false;
}

void Interleaver::Wake() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (Session& session : sessions_)
    if (session.state == kBlocked) session.state = kReady;
}

}  // namespace quiver::fakes
