#include "progress.h"

#include <unistd.h>

#include <cstdio>

namespace demo {

using Clock = std::chrono::steady_clock;

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(isatty(STDOUT_FILENO) == 1),
      start_(Clock::now()),
      shown_(start_) {
  if (terminal_) std::printf("  %s ...", what_.c_str());
  std::fflush(stdout);
}

void Progress::Update(const std::string& state) {
  const auto pause = terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(5000);
  if (Clock::now() - shown_ < pause) return;
  shown_ = Clock::now();
  std::printf(terminal_ ? "\r\033[K  %s: %s" : "  %s: %s\n", what_.c_str(), state.c_str());
  std::fflush(stdout);
}

void Progress::Update(size_t done, size_t total) {
  char state[64];
  std::snprintf(state, sizeof state, "%zu of %zu (%zu %%)", done, total,
                total == 0 ? 100 : 100 * done / total);
  Update(state);
}

void Progress::Finish(const std::string& result) {
  std::printf("%s  %s: %s (%.1f s)\n", terminal_ ? "\r\033[K" : "", what_.c_str(), result.c_str(),
              seconds());
  std::fflush(stdout);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

}  // namespace demo
