#include "html_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "png.h"

namespace demo {

namespace {

constexpr int kDefaultEf = 40;  // of an index made without options
constexpr size_t kMissesShown = 4;

constexpr std::array<const char*, 10> kClasses = {
    "T-shirt or top", "Trousers", "Pullover", "Dress", "Coat",
    "Sandal",         "Shirt",    "Sneaker",  "Bag",   "Ankle boot"};

constexpr char kStyle[] = R"css(
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --card: #ffffff; --ink: #1f2328; --soft: #656b73; --line: #e6e3dc; --accent: #0b6e6e; --miss: #b4552d;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --card: #1b1f23; --ink: #e4e6e8; --soft: #949ca5; --line: #2b3136; --accent: #5cc4bd; --miss: #e08a5f; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 900px; margin: 0 auto; padding: 72px 24px 96px; }
h1 { font-size: 38px; line-height: 1.15; letter-spacing: -0.02em; font-weight: 650; margin: 0 0 16px; text-wrap: balance; }
h2 { font-size: 21px; letter-spacing: -0.01em; font-weight: 620; margin: 72px 0 6px; }
p { margin: 0 0 16px; max-width: 68ch; }
.lead { font-size: 18px; color: var(--soft); }
.note { color: var(--soft); font-size: 14.5px; }
code, pre { font: 13.5px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; overflow-x: auto; margin: 16px 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; margin: 40px 0 0;
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow: hidden; }
.figure { padding: 20px 22px; box-shadow: 0 0 0 1px var(--line); }
.figure b { display: block; font-size: 27px; line-height: 1.25; font-weight: 620; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.figure span { color: var(--soft); font-size: 14px; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 22px; margin: 20px 0; overflow-x: auto; }
.chart { display: block; width: 100%; height: auto; min-width: 520px; }
.chart .grid, .chart .frame { stroke: var(--line); stroke-width: 1; fill: none; }
.chart text { fill: var(--soft); font: 12.5px system-ui, sans-serif; }
.chart .curve { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linejoin: round; }
.chart .point { fill: var(--card); stroke: var(--accent); stroke-width: 2.5; }
.chart .point.default { fill: var(--accent); }
.chart .label.default { fill: var(--ink); font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 500; font-size: 14px; color: var(--soft); padding: 4px 12px 10px; }
td { text-align: right; white-space: nowrap; padding: 8px 12px; border-top: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
tr.default td { font-weight: 620; }
tr.exact td { color: var(--soft); }
.search { display: grid; grid-template-columns: 128px 1fr; gap: 20px; align-items: center; padding: 18px 0; border-top: 1px solid var(--line); }
.search:first-child { border-top: 0; padding-top: 4px; }
.search:last-child { padding-bottom: 4px; }
.query { text-align: center; }
.query .frame { display: inline-block; padding: 3px; border: 2px solid var(--accent); border-radius: 16px; line-height: 0; }
.query img { width: 84px; height: 84px; border-radius: 11px; }
.query div { margin-top: 10px; font-size: 14px; line-height: 1.3; }
.found { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: 8px; }
.found figure { margin: 0; text-align: center; }
.found .frame { display: block; border-radius: 10px; padding: 2px; }
.found img { width: 100%; aspect-ratio: 1; border-radius: 8px; display: block; }
.found figcaption { font-size: 11px; line-height: 1.35; color: var(--soft); margin-top: 5px; font-variant-numeric: tabular-nums; }
.found .other figcaption, .found .missed figcaption { color: var(--miss); }
.found .missed .frame { box-shadow: inset 0 0 0 1px var(--miss); }
.rowname { font-size: 13px; color: var(--soft); margin: 10px 0 6px; }
.rowname:first-child { margin-top: 0; }
img { background: #000; }
@media (prefers-color-scheme: light) { img { filter: invert(1) contrast(0.94); } }
footer { margin-top: 72px; padding-top: 20px; border-top: 1px solid var(--line); color: var(--soft); font-size: 14px; }
@media (max-width: 640px) {
  main { padding-top: 40px; }
  h1 { font-size: 30px; }
  .search { grid-template-columns: 1fr; }
  .found { grid-template-columns: repeat(5, minmax(0, 1fr)); }
}
)css";

std::string Escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Number(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

// 12345.6 -> "12,346"
std::string Grouped(double value) {
  const std::string digits = Number("%.0f", value);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string Image(const IdxFile& file, size_t i, const std::string& alt) {
  // The frame keeps its colour where the image is inverted.
  return "<span class='frame'><img alt='" + alt + "' src='" +
         PngDataUri({file.item(i), file.item_size}, kImageWidth) + "'></span>";
}

class HtmlPage {
 public:
  HtmlPage(const Dataset& data, const std::vector<Sweep>& sweeps, const ExactScan& scan,
           const Facts& facts)
      : data_(data), sweeps_(sweeps), scan_(scan), facts_(facts), default_(&sweeps.front()) {
    for (const Sweep& s : sweeps)
      if (s.ef == kDefaultEf) default_ = &s;
  }

  std::string Text() {
    out_ =
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<title>Quiver: 60,000 images, searched in PostgreSQL</title><style>";
    out_ += kStyle;
    out_ += "</style></head><body><main>";
    Head();
    Curve();
    Gallery();
    Misses();
    Method();
    out_ += "<footer>Quiver " + Escaped(facts_.quiver) + " on " + Escaped(facts_.server) + ". " +
            Escaped(facts_.cpu) + ", " + std::to_string(facts_.cores) +
            " cores. Images: Fashion-MNIST, Zalando SE, MIT licence.</footer>";
    out_ += "</main></body></html>\n";
    return out_;
  }

 private:
  void Head() {
    out_ += "<h1>" + Grouped(static_cast<double>(data_.images.count)) +
            " images, searched in PostgreSQL</h1>";
    out_ +=
        "<p class='lead'>Each image of Fashion-MNIST is a row with a <code>vector(784)</code>, one "
        "number a pixel. "
        "A Quiver index finds the ten rows nearest to an image the table has never seen. All " +
        Grouped(static_cast<double>(data_.queries.count)) +
        " test images were asked for, one at a time.</p>";
    out_ += "<div class='figures'>";
    Figure(Number("%.1f", 100 * default_->recall) + " %", "of the true neighbours found");
    Figure(Number("%.2f", default_->p50_ms) + " ms",
           "median, " + Number("%.0f", scan_.p50_ms) + " ms without index");
    Figure(Number("%.0f", default_->pages), "pages read, " + Grouped(scan_.pages) + " without");
    Figure(Number("%.0f", facts_.build_seconds) + " s", "to build the index");
    Figure(Escaped(facts_.index_size), "index, beside a table of " + Escaped(facts_.table_size));
    out_ += "</div>";
    out_ +=
        "<pre>CREATE INDEX ON fashion USING quiver (embedding vector_l2_ops);\n"
        "SELECT id FROM fashion ORDER BY embedding &lt;-&gt; $1 LIMIT 10;</pre>";
  }

  void Figure(const std::string& value, const std::string& what) {
    out_ += "<div class='figure'><b>" + value + "</b><span>" + what + "</span></div>";
  }

  void Curve() {
    out_ +=
        "<h2>Recall and time</h2><p class='note'><code>quiver.ef_search</code> is how many "
        "candidates a search "
        "keeps: more find more and take longer. Each point is all " +
        Grouped(static_cast<double>(data_.queries.count)) +
        " queries. The upright axis counts what is missed: from 0.9 to 0.99 is as far as on to "
        "0.999.</p>";
    out_ += "<div class='panel'>" + RecallChart(sweeps_, kDefaultEf) + "</div>";
    out_ +=
        "<div class='panel'><table><tr><th>ef</th><th>recall@10</th><th>queries a "
        "second</th><th>p50</th>"
        "<th>p99</th><th>pages a query</th></tr>";
    for (const Sweep& s : sweeps_) {
      out_ += s.ef == kDefaultEf ? "<tr class='default'>" : "<tr>";
      out_ += "<td>" + std::to_string(s.ef) + "</td><td>" + Number("%.4f", s.recall) + "</td><td>" +
              Grouped(s.qps) + "</td><td>" + Number("%.3f ms", s.p50_ms) + "</td><td>" +
              Number("%.3f ms", s.p99_ms) + "</td><td>" + Grouped(s.pages) + "</td></tr>";
    }
    out_ += "<tr class='exact'><td>exact scan</td><td>1.0000</td><td>" +
            Number("%.1f", 1000 / scan_.p50_ms) + "</td><td>" + Number("%.1f ms", scan_.p50_ms) +
            "</td><td></td><td>" + Grouped(scan_.pages) + "</td></tr></table></div>";
  }

  void Gallery() {
    out_ +=
        "<h2>What it finds</h2><p class='note'>The first test image of each class and its ten "
        "neighbours at ef " +
        std::to_string(default_->ef) +
        ", nearest first, with their distances. A neighbour of another class is named.</p><div "
        "class='panel'>";
    for (size_t label = 0; label < kClasses.size(); ++label) {
      for (size_t q = 0; q < data_.queries.count; ++q) {
        if (*data_.query_labels.item(q) != label) continue;
        BeginSearch(q);
        Found(q, default_->found[q]);
        out_ += "</div></div>";
        break;
      }
    }
    out_ += "</div>";
  }

  // The queries with the most misses, beside what they should have found.
  void Misses() {
    std::vector<std::pair<size_t, size_t>> misses;  // count, query
    for (size_t q = 0; q < data_.queries.count; ++q) {
      const auto& found = default_->found[q];
      const auto hits = static_cast<size_t>(std::count_if(
          found.begin(), found.end(), [&](int32_t id) { return IsHit(data_, q, id); }));
      if (hits < kNeighbours) misses.emplace_back(kNeighbours - hits, q);
    }
    out_ += "<h2>What it misses</h2><p class='note'>At ef " + std::to_string(default_->ef) + ", " +
            Grouped(static_cast<double>(data_.queries.count - misses.size())) + " of " +
            Grouped(static_cast<double>(data_.queries.count)) + " queries found all ten.";
    if (misses.empty()) {
      out_ += "</p>";
      return;
    }
    out_ +=
        " These found the fewest; the second line is the exact answer, with what was missed in a "
        "frame.</p>"
        "<div class='panel'>";
    std::stable_sort(misses.begin(), misses.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    misses.resize(std::min(misses.size(), kMissesShown));
    for (const auto& [count, q] : misses) {
      BeginSearch(q);
      out_ += "<div class='rowname'>found</div>";
      Found(q, default_->found[q]);
      out_ += "<div class='rowname'>exact</div>";
      std::vector<int32_t> exact;
      for (const Neighbour& n : data_.exact[q]) exact.push_back(n.id);
      Found(q, exact, &default_->found[q]);
      out_ += "</div></div>";
    }
    out_ += "</div>";
  }

  void BeginSearch(size_t q) {
    const char* name = kClasses.at(*data_.query_labels.item(q));
    out_ += "<div class='search'><div class='query'>" + Image(data_.queries, q, name) + "<div>" +
            name + "</div></div><div>";
  }

  // With `seen`, marks the ids that are not among it.
  void Found(size_t q, const std::vector<int32_t>& ids,
             const std::vector<int32_t>* seen = nullptr) {
    out_ += "<div class='found'>";
    for (int32_t id : ids) {
      const auto row = static_cast<size_t>(id);
      const uint8_t label = *data_.labels.item(row);
      const bool other = label != *data_.query_labels.item(q);
      const bool missed =
          seen != nullptr && std::find(seen->begin(), seen->end(), id) == seen->end();
      const double distance = std::sqrt(
          static_cast<double>(SquaredDistance({data_.queries.item(q), data_.queries.item_size},
                                              {data_.images.item(row), data_.images.item_size})));
      out_ += std::string("<figure class='") + (other ? "other " : "") + (missed ? "missed" : "") +
              "'>";
      out_ += Image(data_.images, row, kClasses.at(label));
      out_ += "<figcaption>" + Grouped(distance) +
              (other ? std::string("<br>") + kClasses.at(label) : "") + "</figcaption></figure>";
    }
    out_ += "</div>";
  }

  void Method() {
    out_ +=
        "<h2>How it was measured</h2><p>One client on the server's own machine, one query at a "
        "time, prepared, the "
        "vector sent in binary; everything in memory after a warm-up. Index and server as they "
        "come: no option set "
        "but <code>quiver.ef_search</code>, which is the horizontal axis of it all. Pages are the "
        "mean of 200 "
        "queries under <code>EXPLAIN (ANALYZE, BUFFERS)</code> and include the table's own.</p>";
    out_ +=
        "<p>Recall counts every query against exact neighbours that the demo's client computed "
        "itself, by comparing "
        "each query with each row in whole numbers. For " +
        std::to_string(scan_.queries) +
        " of them the exact scan through SQL gave the same distances, and its time above is "
        "theirs. Equal distances "
        "count as equally right.</p>";
    out_ += "<p>The planner chose the index by itself:</p><pre>" + Escaped(facts_.plan) + "</pre>";
  }

  const Dataset& data_;
  const std::vector<Sweep>& sweeps_;
  const ExactScan& scan_;
  const Facts& facts_;
  const Sweep* default_;
  std::string out_;
};

}  // namespace

void WriteHtmlPage(const std::string& path, const Dataset& data, const std::vector<Sweep>& sweeps,
                   const ExactScan& scan, const Facts& facts) {
  std::ofstream file(path, std::ios::binary);
  file << HtmlPage(data, sweeps, scan, facts).Text();
  file.close();
  if (!file) throw std::runtime_error("could not write file \"" + path + "\"");
}

}  // namespace demo
