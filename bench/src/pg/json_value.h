// As much of JSON as EXPLAIN (FORMAT JSON) prints.
#ifndef QUIVER_BENCH_PG_JSON_VALUE_H
#define QUIVER_BENCH_PG_JSON_VALUE_H

#include <map>
#include <string>
#include <vector>

namespace quiver::bench {

struct JsonValue {
  enum class Kind { kNull, kBool, kNumber, kText, kList, kObject };

  Kind kind = Kind::kNull;
  double number = 0;  // 0 or 1 for a kBool
  std::string text;
  std::vector<JsonValue> list;
  std::map<std::string, JsonValue> object;

  static JsonValue Parse(const std::string& source);
  // 0, "" or null where the object has no such member.
  double Number(const std::string& key) const;
  std::string Text(const std::string& key) const;
  const JsonValue& Member(const std::string& key) const;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_PG_JSON_VALUE_H
