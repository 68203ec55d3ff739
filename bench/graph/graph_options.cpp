#include "graph_options.h"

#include <utility>

#include "base/failure.h"

namespace quiver::bench {

namespace {

QuiverStorage ParseStorage(const std::string& text) {
  if (text == "auto") return QUIVER_STORAGE_AUTO;
  if (text == "float32") return QUIVER_STORAGE_FLOAT32;
  if (text == "float16") return QUIVER_STORAGE_FLOAT16;
  Fail("storage must be auto, float32 or float16, not \"{}\"", text);
}

void ForceSimdLevel(const std::string& text) {
  constexpr std::pair<const char*, QuiverSimdLevel> kLevels[] = {{"auto", QUIVER_SIMD_AUTO},
                                                                 {"scalar", QUIVER_SIMD_SCALAR},
                                                                 {"avx2", QUIVER_SIMD_AVX2},
                                                                 {"avx512", QUIVER_SIMD_AVX512},
                                                                 {"neon", QUIVER_SIMD_NEON}};
  for (const auto& [name, level] : kLevels) {
    if (text != name) continue;
    if (!quiver_force_simd_level(level)) Fail("this CPU lacks the level \"{}\"", text);
    return;
  }
  Fail("simd must be auto, scalar, avx2, avx512 or neon, not \"{}\"", text);
}

}  // namespace

GraphOptions ParseGraphOptions(const CommandLine& words) {
  GraphOptions options;
  options.data = words.Get("data", "fashion-mnist");
  options.cache = words.Get("cache", DefaultCacheDir());
  options.index.m = static_cast<int>(words.GetInt("m", options.index.m));
  options.index.ef_construction =
      static_cast<int>(words.GetInt("ef-construction", options.index.ef_construction));
  options.index.storage = ParseStorage(words.Get("storage", "auto"));
  options.index.seed =
      static_cast<uint64_t>(words.GetInt("seed", static_cast<long>(options.index.seed)));
  options.efs = ParseIntList("--ef", words.Get("ef", "10,20,40,80,160,320"));
  options.k = static_cast<int>(words.GetInt("k", 10));
  options.queries = static_cast<size_t>(words.GetInt("queries", 1000));
  options.passes = static_cast<int>(words.GetInt("passes", 3));
  options.cpu = static_cast<int>(words.GetInt("cpu", -1));
  options.hnswlib = words.Has("hnswlib");
  ForceSimdLevel(words.Get("simd", "auto"));
  words.RefuseUnused();
  if (options.index.m < 2 || options.index.m > 100) Fail("--m must be 2 to 100");
  if (options.index.ef_construction < 4 || options.index.ef_construction > 1000)
    Fail("--ef-construction must be 4 to 1000");
  for (int ef : options.efs) {
    if (ef < 1 || ef > 1000) Fail("--ef must be 1 to 1000");
  }
  if (options.k < 1 || options.passes < 1 || options.queries < 1)
    Fail("--k, --passes and --queries must be at least 1");
  return options;
}

}  // namespace quiver::bench
