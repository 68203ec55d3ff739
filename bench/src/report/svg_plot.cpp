#include "report/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace quiver::bench {

namespace {

constexpr double kWidth = 760, kHeight = 440, kLeft = 70, kRight = 170, kTop = 40, kBottom = 50;
constexpr const char* kColours[] = {"#0b6e99", "#d9730d", "#448361", "#9065b0",
                                    "#c14c8a", "#787774", "#cb912f", "#337ea9"};

double RecallScale(double recall) {
  return -std::log10(std::max(1 - recall, 1e-4));
}

struct Axes {
  double x0, x1, y0, y1;  // scaled

  double X(double recall) const {
    return kLeft + (RecallScale(recall) - x0) / (x1 - x0) * (kWidth - kLeft - kRight);
  }
  double Y(double qps) const {
    return kHeight - kBottom - (std::log10(qps) - y0) / (y1 - y0) * (kHeight - kTop - kBottom);
  }
};

Axes FitAxes(const std::vector<PlotLine>& lines) {
  Axes axes = {1e9, -1e9, 1e9, -1e9};
  for (const PlotLine& line : lines) {
    for (const PlotPoint& point : line.points) {
      axes.x0 = std::min(axes.x0, RecallScale(point.recall));
      axes.x1 = std::max(axes.x1, RecallScale(point.recall));
      axes.y0 = std::min(axes.y0, std::log10(point.qps));
      axes.y1 = std::max(axes.y1, std::log10(point.qps));
    }
  }
  if (axes.x0 > axes.x1) axes = {0, 1, 0, 1};
  axes.x0 -= 0.05;
  axes.x1 += 0.05;
  axes.y0 -= 0.1;
  axes.y1 += 0.1;
  return axes;
}

std::string Text(double x, double y, const std::string& anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     text);
}

std::string Grid(const Axes& axes) {
  std::string svg;
  for (double recall : {0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999}) {
    double scaled = RecallScale(recall);
    if (scaled < axes.x0 || scaled > axes.x1) continue;
    double x = axes.X(recall);
    svg +=
        fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>\n",
                    x, kTop, kHeight - kBottom);
    svg += Text(x, kHeight - kBottom + 18, "middle", fmt::format("{}", recall));
  }
  for (int decade = -2; decade <= 6; ++decade) {
    for (int digit : {1, 2, 5}) {
      double qps = digit * std::pow(10, decade);
      if (std::log10(qps) < axes.y0 || std::log10(qps) > axes.y1) continue;
      double y = axes.Y(qps);
      svg += fmt::format(
          "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n", kLeft,
          kWidth - kRight, y);
      svg += Text(kLeft - 8, y + 4, "end", fmt::format("{:g}", qps));
    }
  }
  return svg;
}

}  // namespace

std::string RecallPlot(const std::string& title, const std::vector<PlotLine>& lines) {
  Axes axes = FitAxes(lines);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<style>.grid{{stroke:#ddd}} .line{{fill:none;stroke-width:2}}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      kWidth, kHeight);
  svg += Text(kLeft, 22, "start", title);
  svg += Grid(axes);
  svg += Text((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", "recall");
  svg += fmt::format(
      "<text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\">"
      "searches per second</text>\n",
      (kTop + kHeight - kBottom) / 2);
  for (size_t i = 0; i < lines.size(); ++i) {
    const char* colour = kColours[i % std::size(kColours)];
    std::string path;
    for (const PlotPoint& point : lines[i].points) {
      path += fmt::format("{:.1f},{:.1f} ", axes.X(point.recall), axes.Y(point.qps));
      svg += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"><title>{}: ef {}, "
          "recall {:.4f}, {:.0f}/s</title></circle>\n",
          axes.X(point.recall), axes.Y(point.qps), colour, lines[i].label, point.ef, point.recall,
          point.qps);
    }
    svg += fmt::format("<polyline class=\"line\" stroke=\"{}\" points=\"{}\"/>\n", colour, path);
    double y = kTop + 10 + 20 * static_cast<double>(i);
    svg += fmt::format(
        "<line class=\"line\" stroke=\"{}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>\n", colour,
        kWidth - kRight + 14, kWidth - kRight + 38, y, y);
    svg += Text(kWidth - kRight + 44, y + 4, "start", lines[i].label);
  }
  return svg + "</svg>\n";
}

}  // namespace quiver::bench
