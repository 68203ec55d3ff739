#include "base/pinning.h"

#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <fstream>
#include <thread>

namespace quiver::bench {

int CpuCount() {
  unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : static_cast<int>(count);
}

bool PinTo(pid_t pid, const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : cpus) CPU_SET(cpu, &set);
  return sched_setaffinity(pid, sizeof(set), &set) == 0;
}

std::optional<double> CpuSecondsOf(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/schedstat", pid));
  double nanoseconds;
  if (!(in >> nanoseconds)) return std::nullopt;
  return nanoseconds * 1e-9;
}

double ThreadCpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

PinnedScope::PinnedScope(int cpu)
    : PinnedScope(cpu >= 0 ? std::vector<int>{cpu} : std::vector<int>{}) {}

PinnedScope::PinnedScope(const std::vector<int>& cpus) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &set)) former_.push_back(i);
    }
  }
  if (!cpus.empty()) PinTo(0, cpus);
}

PinnedScope::~PinnedScope() {
  if (!former_.empty()) PinTo(0, former_);
}

}  // namespace quiver::bench
