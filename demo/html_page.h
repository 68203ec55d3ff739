// The page that the demo leaves: one file, nothing fetched.
#ifndef QUIVER_DEMO_HTML_PAGE_H
#define QUIVER_DEMO_HTML_PAGE_H

#include <string>
#include <vector>

#include "measure.h"

namespace demo {

inline constexpr size_t kImageWidth = 28;

// Where and on what the numbers were measured.
struct Facts {
  std::string cpu;
  unsigned cores = 0;
  std::string server;
  std::string quiver;
  double build_seconds = 0;
  std::string index_size;
  std::string table_size;
  std::string plan;
};

// Throws std::runtime_error where the file cannot be written.
void WriteHtmlPage(const std::string& path, const Dataset& data, const std::vector<Sweep>& sweeps,
                   const ExactScan& scan, const Facts& facts);

// The recall/latency curve as an SVG element that takes its colours from the page.
std::string RecallChart(const std::vector<Sweep>& sweeps, int highlighted_ef);

}  // namespace demo

#endif  // QUIVER_DEMO_HTML_PAGE_H
