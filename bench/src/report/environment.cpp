#include "report/environment.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>

#include "base/command_line.h"
#include "base/pinning.h"

namespace quiver::bench {

namespace {

// The value of the first line that begins with `name`, in a file of "name : value" lines.
std::string FieldOf(const std::string& path, const std::string& name) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    size_t at = line.find(':');
    if (at == std::string::npos) return "";
    at = line.find_first_not_of(" \t", at + 1);
    return at == std::string::npos ? "" : line.substr(at);
  }
  return "";
}

}  // namespace

std::string MachineLine() {
  std::string model = FieldOf("/proc/cpuinfo", "model name");
  std::string memory = FieldOf("/proc/meminfo", "MemTotal");
  double kilobytes = memory.empty() ? 0 : std::strtod(memory.c_str(), nullptr);
  return fmt::format("{}, {} CPUs, {:.0f} GB of memory", model.empty() ? "unknown CPU" : model,
                     CpuCount(), kilobytes / 1048576);
}

std::string LoadAverage() {
  std::ifstream in("/proc/loadavg");
  std::string one, five, fifteen;
  in >> one >> five >> fifteen;
  return one + " " + five + " " + fifteen;
}

std::string ServerLine(PgConnection* connection) {
  std::string line = connection->Value("SHOW server_version").value_or("?");
  line = "PostgreSQL " + line.substr(0, line.find(' '));
  for (const char* setting : {"shared_buffers", "work_mem", "fsync", "synchronous_commit",
                              "huge_pages", "shared_preload_libraries"})
    line += fmt::format(", {} = {}", setting,
                        connection->Value("SHOW " + std::string(setting)).value_or("?"));
  return line;
}

std::string Thousands(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  size_t first = digits.find_first_of("0123456789");
  std::string grouped = digits.substr(0, first);
  for (size_t i = first; i < digits.size(); ++i) {
    if (i > first && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

std::string Megabytes(double bytes) {
  return fmt::format("{:.1f} MB", bytes / 1048576);
}

std::string Microseconds(double seconds) {
  double value = seconds * 1e6;
  return value < 100 ? fmt::format("{:.1f}", value) : Thousands(value);
}

}  // namespace quiver::bench
