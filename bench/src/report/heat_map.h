// Panels of coloured cells, as SVG.
#ifndef QUIVER_BENCH_REPORT_HEAT_MAP_H
#define QUIVER_BENCH_REPORT_HEAT_MAP_H

#include <optional>
#include <string>
#include <vector>

namespace quiver::bench {

struct HeatCell {
  double value = 1;    // 1 is best: the colour runs from green over yellow (2) to red (10 and more)
  bool counts = true;  // false: grey, whatever the value
  std::string text;    // in the cell, short
  std::string hint;    // shown when the pointer rests on it
};

struct HeatPanel {
  std::string title;
  std::vector<std::string> row_labels;                      // from the top
  std::vector<std::string> column_labels;                   // from the left
  std::vector<std::vector<std::optional<HeatCell>>> cells;  // [row][column]; nothing: left blank
};

// `across` panels side by side, then the next line of them.  All have the same size.
std::string HeatMap(const std::string& title, const std::string& row_title,
                    const std::string& column_title, const std::vector<HeatPanel>& panels,
                    size_t across);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_REPORT_HEAT_MAP_H
