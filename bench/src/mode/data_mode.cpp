// data: prepares a data set and tells how hard it is, by the ef that hnswlib needs.

#include <cstdio>

#include "base/failure.h"
#include "client/smallest_ef.h"
#include "mode/mode.h"

namespace quiver::bench {

void RunData(const CommandLine& options) {
  std::string cache = CacheDirOf(options);
  int k = static_cast<int>(options.GetInt("k", 10));
  double recall = options.GetDouble("recall", 0.95);
  BuildSettings settings = BuildSettingsOf(options);
  std::string spec = options.Get("data", "fashion-mnist");
  options.RefuseUnused();

  Dataset dataset = OpenDataset(spec, cache);
  GroundTruth truth = GroundTruth::For(dataset, 100, cache);
  auto engine = std::move(MakeEngines({"hnswlib"}, {})[0]);
  BuildReport built = engine->Build(dataset, settings);
  EfFinder finder(dataset, truth, k);
  EfChoice choice = finder.Find(engine.get(), recall);
  fmt::print("{}: {} rows, {} queries, {} dimensions, {}\n", spec, dataset.base.rows,
             dataset.queries.rows, dataset.dim(), MetricName(dataset.metric));
  fmt::print(
      "hnswlib (m {}, ef_construction {}, built in {:.1f} s) {} recall@{} {} at ef {} ({:.4f})\n",
      settings.m, settings.ef_construction, built.build_seconds,
      choice.reached ? "reaches" : "does not reach", k, recall, choice.ef, choice.recall);
}

}  // namespace quiver::bench
