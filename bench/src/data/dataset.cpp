#include "data/dataset.h"

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/command_line.h"
#include "base/failure.h"
#include "data/idx_images.h"
#include "data/quantize.h"
#include "data/sparse_topics.h"
#include "data/synthetic.h"
#include "data/vecs_file.h"

namespace quiver::bench {

namespace {

struct Files {
  std::string base;
  std::string queries;
};

// The pair of cache files of a set, made by `make` where they are missing.
Files Cached(const std::string& cache_dir, const std::string& key,
             const std::function<void(const Files&)>& make) {
  Files files = {cache_dir + "/" + key + ".base.qbm", cache_dir + "/" + key + ".queries.qbm"};
  if (!std::filesystem::exists(files.base) || !std::filesystem::exists(files.queries)) {
    fmt::print(stderr, "preparing {} ...\n", key);
    make(files);
  }
  return files;
}

std::string FileNamePart(std::string text) {
  for (char& c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '=') c = '_';
  }
  return text;
}

}  // namespace

std::string DefaultCacheDir() {
  if (const char* own = std::getenv("QUIVER_BENCH_CACHE")) return own;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME")) return std::string(xdg) + "/quiver-bench";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "/tmp") + "/.cache/quiver-bench";
}

Dataset OpenDataset(const std::string& text, const std::string& cache_dir) {
  std::filesystem::create_directories(cache_dir);
  Spec spec = Spec::Parse(text);
  std::string default_metric = "l2";
  Files files;
  std::string key;

  if (spec.name == "fashion-mnist") {
    spec.Allow({"metric", "rows", "limit", "quantize"});
    key = spec.name;
    files = Cached(cache_dir, key, [](const Files& to) {
      ConvertIdxImages("train-images-idx3-ubyte.gz", to.base);
      ConvertIdxImages("t10k-images-idx3-ubyte.gz", to.queries);
    });
  } else if (spec.name == "words") {
    spec.Allow({"metric", "rows", "limit", "quantize"});
    default_metric = "cosine";
    key = spec.name;
    files = Cached(cache_dir, key, [&](const Files& to) {
      std::string source = cache_dir + "/words.fvecs";
      if (!std::filesystem::exists(source))
        Fail("\"{}\" is missing; run bench/data/fetch-words.sh", source);
      ConvertVecsHoldingOut(source, 10000, to.base, to.queries);
    });
  } else if (spec.name == "synthetic") {
    SyntheticSettings settings = SyntheticSettings::FromSpec(spec);
    default_metric = "l2";
    key = settings.Key();
    files = Cached(cache_dir, key,
                   [&](const Files& to) { GenerateSynthetic(settings, to.base, to.queries); });
  } else if (spec.name == "sparse") {
    SparseTopicsSettings settings = SparseTopicsSettings::FromSpec(spec);
    default_metric = "ip";
    key = settings.Key();
    files = Cached(cache_dir, key,
                   [&](const Files& to) { GenerateSparseTopics(settings, to.base, to.queries); });
  } else if (spec.name == "fvecs" || spec.name == "bvecs") {
    spec.Allow({"metric", "rows", "limit", "quantize", "base", "queries", "held"});
    std::string base = spec.Get("base", "");
    std::string queries = spec.Get("queries", "");
    if (base.empty()) Fail("\"{}\" needs base=FILE", spec.name);
    long held = spec.GetInt("held", 10000);
    key = FileNamePart(std::filesystem::absolute(base).string() + "+" +
                       (queries.empty() ? std::to_string(held) : queries));
    files = Cached(cache_dir, key, [&](const Files& to) {
      if (queries.empty()) {
        ConvertVecsHoldingOut(base, static_cast<size_t>(held), to.base, to.queries);
      } else {
        ConvertVecs(base, to.base);
        ConvertVecsShuffled(queries, to.queries);
      }
    });
  } else {
    Fail("unknown data set \"{}\"", spec.name);
  }

  std::string quantize = spec.Get("quantize", "");
  if (!quantize.empty()) {
    Threshold threshold = ParseThreshold(quantize);
    default_metric = "hamming";
    key += ".bits-" + quantize;
    Files dense = files;
    files = Cached(cache_dir, key, [&](const Files& to) {
      QuantizeToBits(threshold, dense.base, dense.queries, to.base, to.queries);
    });
  }

  Dataset dataset;
  dataset.name = text;
  dataset.metric = ParseMetric(spec.Get("metric", default_metric));
  dataset.base_file = std::make_shared<MappedMatrix>(files.base);
  dataset.query_file = std::make_shared<MappedMatrix>(files.queries);
  dataset.base = dataset.base_file->matrix();
  dataset.queries = dataset.query_file->matrix();
  if (dataset.base.dim != dataset.queries.dim)
    Fail("rows have {} dimensions, queries {}", dataset.base.dim, dataset.queries.dim);
  if (!FormHasMetric(dataset.base.form, dataset.metric))
    Fail("there is no metric {} for the rows of \"{}\"", MetricName(dataset.metric), text);
  dataset.base = dataset.base.First(
      static_cast<size_t>(spec.GetInt("rows", static_cast<long>(dataset.base.rows))));
  dataset.queries = dataset.queries.First(
      static_cast<size_t>(spec.GetInt("limit", static_cast<long>(dataset.queries.rows))));
  dataset.base_key = fmt::format("{}.{}", key, dataset.base.rows);
  dataset.cache_key =
      fmt::format("{}x{}.{}", dataset.base_key, dataset.queries.rows, MetricName(dataset.metric));
  return dataset;
}

}  // namespace quiver::bench
