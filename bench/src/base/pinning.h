// Which CPU a thread or a local process runs on, and how much of one it used.
#ifndef QUIVER_BENCH_BASE_PINNING_H
#define QUIVER_BENCH_BASE_PINNING_H

#include <sys/types.h>

#include <optional>
#include <vector>

namespace quiver::bench {

int CpuCount();

// Binds a thread or process (0: the calling thread) to these CPUs.  False when it is not ours to
// bind or does not run on this machine.
bool PinTo(pid_t pid, const std::vector<int>& cpus);

// CPU seconds that a process has run so far, to the nanosecond; nothing when it cannot be read.
std::optional<double> CpuSecondsOf(pid_t pid);

// CPU seconds that the calling thread has run so far.
double ThreadCpuSeconds();

// The calling thread on one CPU, or on some, while this lives, on its former set afterwards.
class PinnedScope {
 public:
  explicit PinnedScope(int cpu);
  explicit PinnedScope(const std::vector<int>& cpus);  // none: left as it is
  ~PinnedScope();
  PinnedScope(const PinnedScope&) = delete;
  PinnedScope& operator=(const PinnedScope&) = delete;

 private:
  std::vector<int> former_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_BASE_PINNING_H
