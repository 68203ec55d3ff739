#include "base/command_line.h"

#include <cerrno>
#include <cstdlib>

#include "base/failure.h"

namespace quiver::bench {

std::vector<std::string> SplitText(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    size_t end = text.find(separator, begin);
    if (end == std::string::npos) end = text.size();
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

long ParseInt(const std::string& what, const std::string& text) {
  errno = 0;
  char* end = nullptr;
  long value = std::strtol(text.c_str(), &end, 10);
  if (errno != 0 || end == text.c_str() || *end != '\0')
    Fail("{} must be an integer, not \"{}\"", what, text);
  return value;
}

double ParseDouble(const std::string& what, const std::string& text) {
  errno = 0;
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (errno != 0 || end == text.c_str() || *end != '\0')
    Fail("{} must be a number, not \"{}\"", what, text);
  return value;
}

std::vector<int> ParseIntList(const std::string& what, const std::string& text) {
  std::vector<int> values;
  for (const std::string& part : SplitText(text, ','))
    values.push_back(static_cast<int>(ParseInt(what, part)));
  return values;
}

Spec Spec::Parse(const std::string& text) {
  Spec spec;
  size_t colon = text.find(':');
  spec.name = text.substr(0, colon);
  if (colon == std::string::npos) return spec;
  for (const std::string& part : SplitText(text.substr(colon + 1), ',')) {
    size_t equals = part.find('=');
    if (equals == std::string::npos) Fail("\"{}\" in \"{}\" is not key=value", part, text);
    spec.values[part.substr(0, equals)] = part.substr(equals + 1);
  }
  return spec;
}

std::string Spec::Get(const std::string& key, const std::string& fallback) const {
  auto found = values.find(key);
  return found == values.end() ? fallback : found->second;
}

long Spec::GetInt(const std::string& key, long fallback) const {
  auto found = values.find(key);
  return found == values.end() ? fallback : ParseInt(name + ":" + key, found->second);
}

double Spec::GetDouble(const std::string& key, double fallback) const {
  auto found = values.find(key);
  return found == values.end() ? fallback : ParseDouble(name + ":" + key, found->second);
}

void Spec::Allow(const std::set<std::string>& known) const {
  for (const auto& [key, value] : values) {
    if (!known.contains(key)) Fail("\"{}\" has no setting \"{}\"", name, key);
  }
}

CommandLine::CommandLine(int argc, char** argv, int first) {
  for (int i = first; i < argc; ++i) {
    std::string word = argv[i];
    if (word.rfind("--", 0) != 0) Fail("unexpected word \"{}\"", word);
    size_t equals = word.find('=');
    if (equals == std::string::npos)
      values_.emplace(word.substr(2), "1");
    else
      values_.emplace(word.substr(2, equals - 2), word.substr(equals + 1));
    typed_.emplace_back(word.substr(2, equals == std::string::npos ? equals : equals - 2), word);
  }
}

std::string CommandLine::Text(const std::set<std::string>& left_out) const {
  std::string text;
  for (const auto& [key, word] : typed_) {
    if (!left_out.contains(key)) text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

bool CommandLine::Has(const std::string& key) const {
  used_.insert(key);
  return values_.contains(key);
}

std::string CommandLine::Get(const std::string& key, const std::string& fallback) const {
  std::vector<std::string> all = GetAll(key);
  return all.empty() ? fallback : all.back();
}

std::vector<std::string> CommandLine::GetAll(const std::string& key) const {
  used_.insert(key);
  std::vector<std::string> all;
  auto range = values_.equal_range(key);
  for (auto it = range.first; it != range.second; ++it) all.push_back(it->second);
  return all;
}

long CommandLine::GetInt(const std::string& key, long fallback) const {
  return Has(key) ? ParseInt("--" + key, Get(key, "")) : fallback;
}

double CommandLine::GetDouble(const std::string& key, double fallback) const {
  return Has(key) ? ParseDouble("--" + key, Get(key, "")) : fallback;
}

void CommandLine::RefuseUnused() const {
  for (const auto& [key, value] : values_) {
    if (!used_.contains(key)) Fail("unknown option \"--{}\"", key);
  }
}

}  // namespace quiver::bench
