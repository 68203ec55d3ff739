#include "mode/mode.h"

#include <cstdlib>

#include "data/dataset.h"

namespace quiver::bench {

std::string CacheDirOf(const CommandLine& options) {
  return options.Get("cache", DefaultCacheDir());
}

EngineContext ContextOf(const CommandLine& options) {
  return {options.Get("conninfo", ""), options.GetAll("set")};
}

BuildSettings BuildSettingsOf(const CommandLine& options) {
  BuildSettings settings;
  settings.m = static_cast<int>(options.GetInt("m", settings.m));
  settings.ef_construction =
      static_cast<int>(options.GetInt("ef-construction", settings.ef_construction));
  settings.memory = options.Get("build-memory", settings.memory);
  settings.workers = static_cast<int>(options.GetInt("build-workers", settings.workers));
  settings.reuse = options.Has("reuse");
  settings.cache_dir = CacheDirOf(options);
  return settings;
}

std::vector<std::string> EngineSpecsOf(const CommandLine& options) {
  return options.GetAll("engine");
}

std::string CommandOf(const std::string& subcommand, const CommandLine& options) {
  const char* wrapper = std::getenv("QUIVER_BENCH_WRAPPER_OPTIONS");  // set by bench/run
  std::string command = "bench/run " + subcommand + " ";
  if (wrapper != nullptr && *wrapper != '\0') command += std::string(wrapper) + " ";
  return "`" + command + options.Text({"restart-command", "out", "cache", "name"}) + "`";
}

}  // namespace quiver::bench
