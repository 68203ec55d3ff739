// The recall/latency curve.  Both axes are logarithmic: median latency, and what recall leaves
// missed, since the way from 0.99 to 0.999 matters as much as that from 0.9 to 0.99.
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "html_page.h"

namespace demo {

namespace {

constexpr double kWidth = 760, kHeight = 360;
constexpr double kLeft = 64, kRight = 24, kTop = 20, kBottom = 52;

// Where the axis may have a line, 1 - recall.
constexpr double kMissedTicks[] = {0.5,     0.2,     0.1,     0.05,    0.02,   0.01,
                                   0.005,   0.002,   0.001,   0.0005,  0.0002, 0.0001,
                                   0.00005, 0.00002, 0.00001, 0.000005};

struct Scale {
  double latency_low, latency_high;
  double missed_low, missed_high;

  double X(double ms) const {
    return kLeft + std::log(ms / latency_low) / std::log(latency_high / latency_low) *
                       (kWidth - kLeft - kRight);
  }
  double Y(double missed) const {
    return kTop + std::log(missed / missed_low) / std::log(missed_high / missed_low) *
                      (kHeight - kTop - kBottom);
  }
};

// A perfect recall has no place on the axis; it is drawn at the axis's end.
double Missed(const Sweep& s) {
  return std::max(1 - s.recall, std::end(kMissedTicks)[-1]);
}

__attribute__((format(printf, 2, 3))) void Append(std::string* out, const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  out->append(buffer);
}

Scale ScaleOf(const std::vector<Sweep>& sweeps) {
  Scale scale{1e9, 0, 1, 0};
  for (const Sweep& s : sweeps) {
    scale.latency_low = std::min(scale.latency_low, s.p50_ms);
    scale.latency_high = std::max(scale.latency_high, s.p50_ms);
    scale.missed_low = std::min(scale.missed_low, Missed(s));
    scale.missed_high = std::max(scale.missed_high, Missed(s));
  }
  scale.latency_low /= 1.25;
  scale.latency_high *= 1.35;
  scale.missed_low /= 1.6;
  scale.missed_high = std::min(1.0, scale.missed_high * 1.6);
  return scale;
}

void AppendAxes(std::string* svg, const Scale& scale) {
  Append(svg, "<rect class='frame' x='%.1f' y='%.1f' width='%.1f' height='%.1f'/>", kLeft, kTop,
         kWidth - kLeft - kRight, kHeight - kTop - kBottom);
  for (double missed : kMissedTicks) {
    if (missed < scale.missed_low || missed > scale.missed_high) continue;
    const double y = scale.Y(missed);
    Append(svg, "<line class='grid' x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f'/>", kLeft,
           kWidth - kRight, y, y);
    Append(svg, "<text class='tick' x='%.1f' y='%.1f' text-anchor='end'>%.6g</text>", kLeft - 10,
           y + 4, 1 - missed);
  }
  for (double decade = 0.001; decade < 1e5; decade *= 10) {
    for (double digit : {1.0, 2.0, 5.0}) {
      const double ms = decade * digit;
      if (ms < scale.latency_low || ms > scale.latency_high) continue;
      Append(svg, "<line class='grid' x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f'/>", scale.X(ms),
             scale.X(ms), kTop, kHeight - kBottom);
      Append(svg, "<text class='tick' x='%.1f' y='%.1f' text-anchor='middle'>%g ms</text>",
             scale.X(ms), kHeight - kBottom + 20, ms);
    }
  }
  Append(svg,
         "<text class='axis' x='%.1f' y='%.1f' text-anchor='middle'>median time of a query</text>",
         (kLeft + kWidth - kRight) / 2, kHeight - 8);
  Append(svg,
         "<text class='axis' transform='translate(14 %.1f) rotate(-90)' "
         "text-anchor='middle'>recall@10</text>",
         (kTop + kHeight - kBottom) / 2);
}

}  // namespace

std::string RecallChart(const std::vector<Sweep>& sweeps, int highlighted_ef) {
  const Scale scale = ScaleOf(sweeps);
  std::string svg;
  Append(&svg,
         "<svg class='chart' viewBox='0 0 %g %g' role='img' aria-label='Recall against median "
         "latency'>",
         kWidth, kHeight);
  AppendAxes(&svg, scale);
  svg += "<polyline class='curve' points='";
  for (const Sweep& s : sweeps) Append(&svg, "%.1f,%.1f ", scale.X(s.p50_ms), scale.Y(Missed(s)));
  svg += "'/>";
  for (const Sweep& s : sweeps) {
    const bool highlighted = s.ef == highlighted_ef;
    const double x = scale.X(s.p50_ms), y = scale.Y(Missed(s));
    Append(&svg, "<g><title>ef %d: recall %.4f, median %.3f ms, %.1f pages</title>", s.ef, s.recall,
           s.p50_ms, s.pages);
    Append(&svg, "<circle class='%s' cx='%.1f' cy='%.1f' r='%g'/>",
           highlighted ? "point default" : "point", x, y, highlighted ? 6.5 : 4.5);
    Append(&svg, "<text class='%s' x='%.1f' y='%.1f'>%d%s</text></g>",
           highlighted ? "label default" : "label", x + 9, y + 17, s.ef,
           highlighted ? " (default)" : "");
  }
  svg += "</svg>";
  return svg;
}

}  // namespace demo
