#include "pg/json_value.h"

#include <cctype>
#include <cstdlib>

#include "base/failure.h"

namespace quiver::bench {

namespace {

class Parser {
 public:
  explicit Parser(const std::string& source) : p_(source.c_str()) {}

  JsonValue Whole() {
    JsonValue value = Value();
    SkipSpace();
    if (*p_ != '\0') Wrong();
    return value;
  }

 private:
  [[noreturn]] void Wrong() const { Fail("unexpected JSON near \"{}\"", std::string(p_, 0, 40)); }

  void SkipSpace() {
    while (std::isspace(static_cast<unsigned char>(*p_))) ++p_;
  }

  bool Accept(const char* word) {
    SkipSpace();
    size_t n = std::string(word).size();
    if (std::string_view(p_).substr(0, n) != word) return false;
    p_ += n;
    return true;
  }

  void Expect(const char* word) {
    if (!Accept(word)) Wrong();
  }

  JsonValue Value() {
    JsonValue value;
    SkipSpace();
    if (*p_ == '{') {
      value.kind = JsonValue::Kind::kObject;
      Expect("{");
      if (Accept("}")) return value;
      do {
        SkipSpace();
        std::string key = String();
        Expect(":");
        value.object[key] = Value();
      } while (Accept(","));
      Expect("}");
    } else if (*p_ == '[') {
      value.kind = JsonValue::Kind::kList;
      Expect("[");
      if (Accept("]")) return value;
      do {
        value.list.push_back(Value());
      } while (Accept(","));
      Expect("]");
    } else if (*p_ == '"') {
      value.kind = JsonValue::Kind::kText;
      value.text = String();
    } else if (Accept("true") || Accept("false")) {
      value.kind = JsonValue::Kind::kBool;
      value.number = p_[-2] == 'u' ? 1 : 0;
    } else if (!Accept("null")) {
      char* end;
      value.kind = JsonValue::Kind::kNumber;
      value.number = std::strtod(p_, &end);
      if (end == p_) Wrong();
      p_ = end;
    }
    return value;
  }

  // Escapes other than of single characters are kept as they are: no number of ours is in them.
  std::string String() {
    if (*p_ != '"') Wrong();
    std::string text;
    for (++p_; *p_ != '"'; ++p_) {
      if (*p_ == '\0') Wrong();
      if (*p_ == '\\' && p_[1] != 'u') ++p_;
      text += *p_;
    }
    ++p_;
    return text;
  }

  const char* p_;
};

const JsonValue kNull;

}  // namespace

JsonValue JsonValue::Parse(const std::string& source) {
  return Parser(source).Whole();
}

const JsonValue& JsonValue::Member(const std::string& key) const {
  auto found = object.find(key);
  return found == object.end() ? kNull : found->second;
}

double JsonValue::Number(const std::string& key) const {
  return Member(key).number;
}

std::string JsonValue::Text(const std::string& key) const {
  return Member(key).text;
}

}  // namespace quiver::bench
