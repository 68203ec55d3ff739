// Command lines and the small specifications within them.
#ifndef QUIVER_BENCH_BASE_COMMAND_LINE_H
#define QUIVER_BENCH_BASE_COMMAND_LINE_H

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quiver::bench {

std::vector<std::string> SplitText(const std::string& text, char separator);
long ParseInt(const std::string& what, const std::string& text);
double ParseDouble(const std::string& what, const std::string& text);
// "10,20,40" as integers.
std::vector<int> ParseIntList(const std::string& what, const std::string& text);

// "name:key=value,key=value": a data set or an engine.
struct Spec {
  std::string name;
  std::map<std::string, std::string> values;

  static Spec Parse(const std::string& text);
  std::string Get(const std::string& key, const std::string& fallback) const;
  long GetInt(const std::string& key, long fallback) const;
  double GetDouble(const std::string& key, double fallback) const;
  // Fails when a key is not one of `known`, so that a misspelt one is not ignored.
  void Allow(const std::set<std::string>& known) const;
};

// "--key=value", or "--flag" for "--flag=1"; a key may be repeated.  Words without "--" are
// refused.
class CommandLine {
 public:
  CommandLine(int argc, char** argv, int first);

  bool Has(const std::string& key) const;
  std::string Get(const std::string& key, const std::string& fallback) const;
  std::vector<std::string> GetAll(const std::string& key) const;
  long GetInt(const std::string& key, long fallback) const;
  double GetDouble(const std::string& key, double fallback) const;
  // Fails when an option was given that nobody asked for.
  void RefuseUnused() const;
  // As it was typed, without the options in `left_out`.
  std::string Text(const std::set<std::string>& left_out) const;

 private:
  std::multimap<std::string, std::string> values_;
  mutable std::set<std::string> used_;
  std::vector<std::pair<std::string, std::string>> typed_;  // key, word
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_BASE_COMMAND_LINE_H
