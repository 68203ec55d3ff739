// Runs several sessions so that only one moves at a time and the order of their
// steps follows from a seed.
#ifndef QUIVER_FAKES_INTERLEAVER_H
#define QUIVER_FAKES_INTERLEAVER_H

#include <cstdint>
#include <deque>
#include <functional>
#include <semaphore>
#include <utility>

#include "base/random.h"

namespace quiver::fakes {

class Interleaver {
 public:
  // Each pause point lets another session go on with a chance of 1 in `every`.
  explicit Interleaver(uint64_t seed, uint32_t every = 3) : random_(seed), every_(every) {}

  void Add(std::function<void()> session) { sessions_.emplace_back(std::move(session)); }
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
    explicit Session(std::function<void()> run) : body(std::move(run)) {}

    std::function<void()> body;
    State state = kReady;
    std::binary_semaphore turn{0};
  };

  bool PassOn(size_t self, bool may_stay);

  // Of the session whose turn it is, all of it.
  SplitMix64 random_;
  uint32_t every_;
  std::deque<Session> sessions_;
  size_t current_ = 0;
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_INTERLEAVER_H
