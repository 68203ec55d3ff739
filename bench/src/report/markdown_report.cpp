#include "report/markdown_report.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/failure.h"

namespace quiver::bench {

namespace {

std::string Join(const std::vector<std::string>& cells, const std::string& separator) {
  std::string line;
  for (const std::string& cell : cells) line += (line.empty() ? "" : separator) + cell;
  return line;
}

}  // namespace

std::string MarkdownTable::Text() const {
  std::string text = "| " + Join(header_, " | ") + " |\n|";
  for (size_t i = 0; i < header_.size(); ++i) text += i == 0 ? " --- |" : " ---: |";
  text += "\n";
  for (const std::vector<std::string>& row : rows_) text += "| " + Join(row, " | ") + " |\n";
  return text;
}

std::string MarkdownTable::Csv() const {
  std::string text;
  auto add = [&](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string cell = cells[i];
      std::erase(cell, ',');  // thousands
      text += (i == 0 ? "" : ",") + cell;
    }
    text += "\n";
  };
  add(header_);
  for (const std::vector<std::string>& row : rows_) add(row);
  return text;
}

MarkdownReport::MarkdownReport(std::string directory, std::string name)
    : directory_(std::move(directory)), name_(std::move(name)) {
  if (!directory_.empty()) std::filesystem::create_directories(directory_);
}

void MarkdownReport::Append(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  text_ += text;
  // Written after every piece: what a cancelled run has measured is kept.
  WriteBeside(name_ + ".md", text_);
}

void MarkdownReport::WriteBeside(const std::string& file, const std::string& text) const {
  if (directory_.empty()) return;
  std::string path = directory_ + "/" + file;
  std::ofstream out(path);
  out << text;
  if (!out.flush()) Fail("could not write \"{}\"", path);
}

void MarkdownReport::Heading(const std::string& text) {
  Append("### " + text + "\n\n");
}

void MarkdownReport::Paragraph(const std::string& text) {
  Append(text + "\n\n");
}

void MarkdownReport::Bullets(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += "* " + item + "\n";
  Append(text + "\n");
}

void MarkdownReport::Table(const MarkdownTable& table, const std::string& file) {
  WriteBeside(name_ + "-" + file + ".csv", table.Csv());
  Append(table.Text() + "\n");
}

void MarkdownReport::File(const MarkdownTable& table, const std::string& file) {
  WriteBeside(name_ + "-" + file + ".csv", table.Csv());
}

void MarkdownReport::Plot(const std::string& svg, const std::string& file,
                          const std::string& title) {
  if (directory_.empty()) return;
  std::string name = name_ + "-" + file + ".svg";
  WriteBeside(name, svg);
  Append("![" + title + "](" + name + ")\n\n");
}

}  // namespace quiver::bench
