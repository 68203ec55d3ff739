// Monotonic wall-clock time in seconds.
#ifndef QUIVER_BENCH_BASE_STOPWATCH_H
#define QUIVER_BENCH_BASE_STOPWATCH_H

#include <chrono>

namespace quiver::bench {

class Stopwatch {
 public:
  Stopwatch() : start_(Clock::now()) {}
  double Seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_BASE_STOPWATCH_H
