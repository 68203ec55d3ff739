// The report of one run: Markdown, with tables, in a file of its own and on the screen.
#ifndef QUIVER_BENCH_REPORT_MARKDOWN_REPORT_H
#define QUIVER_BENCH_REPORT_MARKDOWN_REPORT_H

#include <string>
#include <vector>

namespace quiver::bench {

class MarkdownTable {
 public:
  explicit MarkdownTable(std::vector<std::string> header) : header_(std::move(header)) {}
  // REQUIRES: as many cells as the header has.  The first column is text, others align right.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string Text() const;
  std::string Csv() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

class MarkdownReport {
 public:
  // Writes to DIR/NAME.md; with an empty directory to the screen only.
  MarkdownReport(std::string directory, std::string name);

  void Heading(const std::string& text);
  void Paragraph(const std::string& text);
  void Bullets(const std::vector<std::string>& items);
  // `file` names the CSV that goes beside the report.
  void Table(const MarkdownTable& table, const std::string& file);
  // The CSV alone.
  void File(const MarkdownTable& table, const std::string& file);
  void Plot(const std::string& svg, const std::string& file, const std::string& title);

 private:
  void Append(const std::string& text);
  void WriteBeside(const std::string& file, const std::string& text) const;

  std::string directory_;
  std::string name_;
  std::string text_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_REPORT_MARKDOWN_REPORT_H
