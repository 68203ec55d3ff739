#include "report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace quiver::bench {

namespace {

constexpr double kCellWidth = 42, kCellHeight = 26;
constexpr double kPanelLeft = 62, kPanelTop = 46, kPanelRight = 14, kPanelBottom = 34;
constexpr double kTop = 40;

struct Colour {
  double red, green, blue;
};
constexpr Colour kBest = {214, 236, 220}, kMiddle = {250, 224, 130}, kWorst = {214, 72, 60};

std::string ColourOf(const HeatCell& cell) {
  if (!cell.counts) return "#eee";
  double value = std::clamp(cell.value, 1.0, 10.0);
  bool lower = value <= 2;
  double share = lower ? std::log(value) / std::log(2.0) : std::log(value / 2) / std::log(5.0);
  const Colour& from = lower ? kBest : kMiddle;
  const Colour& to = lower ? kMiddle : kWorst;
  auto mix = [&](double a, double b) { return static_cast<int>(std::lround(a + share * (b - a))); };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(from.red, to.red), mix(from.green, to.green),
                     mix(from.blue, to.blue));
}

std::string Text(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     text);
}

std::string CellSvg(double x, double y, const HeatCell& cell) {
  return fmt::format(
             "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" fill=\"{}\" "
             "stroke=\"#fff\"><title>{}</title></rect>\n",
             x, y, kCellWidth, kCellHeight, ColourOf(cell), cell.hint) +
         Text(x + kCellWidth / 2, y + kCellHeight / 2 + 4, "middle", cell.text);
}

std::string PanelSvg(double x, double y, const HeatPanel& panel) {
  std::string svg = fmt::format("<g transform=\"translate({:.1f} {:.1f})\">\n", x, y);
  svg += Text(kPanelLeft, kPanelTop - 24, "start", panel.title);
  for (size_t c = 0; c < panel.column_labels.size(); ++c)
    svg += Text(kPanelLeft + (static_cast<double>(c) + 0.5) * kCellWidth, kPanelTop - 6, "middle",
                panel.column_labels[c]);
  for (size_t r = 0; r < panel.row_labels.size(); ++r) {
    double top = kPanelTop + static_cast<double>(r) * kCellHeight;
    svg += Text(kPanelLeft - 6, top + kCellHeight / 2 + 4, "end", panel.row_labels[r]);
    for (size_t c = 0; c < panel.cells[r].size(); ++c) {
      if (panel.cells[r][c])
        svg += CellSvg(kPanelLeft + static_cast<double>(c) * kCellWidth, top, *panel.cells[r][c]);
    }
  }
  return svg + "</g>\n";
}

}  // namespace

std::string HeatMap(const std::string& title, const std::string& row_title,
                    const std::string& column_title, const std::vector<HeatPanel>& panels,
                    size_t across) {
  if (panels.empty() || across == 0) return "";
  double width =
      kPanelLeft + kPanelRight + kCellWidth * static_cast<double>(panels[0].column_labels.size());
  double height =
      kPanelTop + kPanelBottom + kCellHeight * static_cast<double>(panels[0].row_labels.size());
  size_t lines = (panels.size() + across - 1) / across;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      width * static_cast<double>(across), kTop + height * static_cast<double>(lines));
  svg += Text(10, 18, "start", title);
  svg += Text(10, 34, "start", "down: " + row_title + "; across: " + column_title);
  for (size_t i = 0; i < panels.size(); ++i)
    svg += PanelSvg(width * static_cast<double>(i % across),
                    kTop + height * static_cast<double>(i / across), panels[i]);
  return svg + "</svg>\n";
}

}  // namespace quiver::bench
