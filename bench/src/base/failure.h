// What stops the driver: one exception with a message for the person who started it.
#ifndef QUIVER_BENCH_BASE_FAILURE_H
#define QUIVER_BENCH_BASE_FAILURE_H

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace quiver::bench {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void Fail(fmt::format_string<Args...> text, Args&&... args) {
  throw Failure(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_BASE_FAILURE_H
