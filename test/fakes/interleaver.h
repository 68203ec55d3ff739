// Runs several sessions so that only one moves at a time and the order of their
// steps follows from a seed.
#ifndef QUIVER_FAKES_INTERLEAVER_H
#define QUIVER_FAKES_INTERLEAVER_H

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "base/random.h"

namespace quiver::fakes {

class Interleaver {
 public:
  // Each pause point lets another session go on with a chance of 1 in `every`.
  explicit Interleaver(uint64_t seed, uint32_t every = 3) : random_(seed), every_(every) {}

  void Add(std::function<void()> session) { sessions_.push_back({std::move(session), kReady}); }
  // Runs all of them to their ends, each in a thread of its own.
  void Run();

  // From within a session: a point where others may get their turn.
  void Pause();
  // From within a session: waits until Wake.  False when all wait: a deadlock.
  bool Block();
  // From within a session: whoever blocks may try again.
  void Wake();

 private:
  enum State { kReady, kBlocked, kDone };
  struct Session {
    std::function<void()> body;
    State state;
  };

  bool PassOn(std::unique_lock<std::mutex>* lock, size_t self, bool may_stay);

  std::mutex mutex_;
  std::condition_variable turn_;
  SplitMix64 random_;
  uint32_t every_;
  std::vector<Session> sessions_;
  size_t current_ = 0;
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_INTERLEAVER_H
