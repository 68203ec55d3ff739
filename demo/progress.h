// A line that tells how far a long step is: rewritten in place on a terminal, a new line every few
// seconds elsewhere.
#ifndef QUIVER_DEMO_PROGRESS_H
#define QUIVER_DEMO_PROGRESS_H

#include <chrono>
#include <string>

namespace demo {

class Progress {
 public:
  explicit Progress(std::string what);
  void Update(const std::string& state);
  void Update(size_t done, size_t total);
  // The step's last line, with its time.
  void Finish(const std::string& result);
  double seconds() const;

 private:
  std::string what_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace demo

#endif  // QUIVER_DEMO_PROGRESS_H
