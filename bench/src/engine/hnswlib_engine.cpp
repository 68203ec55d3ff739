#include "engine/hnswlib_engine.h"

#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "engine/unit_rows.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

namespace {

constexpr size_t kSeed = 100;  // hnswlib's own default, named so that runs can be compared

}  // namespace

struct HnswlibEngine::State {
  size_t dim = 0;
  bool normalize = false;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index;
};

namespace {

class HnswlibSearcher : public Searcher {
 public:
  HnswlibSearcher(std::shared_ptr<HnswlibEngine::State> state, int k)
      : state_(std::move(state)), k_(static_cast<size_t>(k)), unit_(state_->dim) {}

  void SetEf(int ef) override { state_->index->setEf(static_cast<size_t>(ef)); }
  bool Pin(int) override { return true; }

  void Search(const float* query, int64_t* ids) override {
    if (state_->normalize) {
      NormalizeRow(query, state_->dim, unit_.data());
      query = unit_.data();
    }
    auto found = state_->index->searchKnn(query, k_);
    std::fill(ids, ids + k_, kNoRow);
    for (; !found.empty(); found.pop())
      ids[found.size() - 1] = static_cast<int64_t>(found.top().second);
  }

 private:
  std::shared_ptr<HnswlibEngine::State> state_;
  size_t k_;
  std::vector<float> unit_;
};

double ReadSeconds(const std::string& path) {
  double seconds = 0;
  std::ifstream(path) >> seconds;
  return seconds;
}

}  // namespace

HnswlibEngine::HnswlibEngine(const Spec& spec)
    : label_(spec.Get("label", "hnswlib")), state_(std::make_shared<State>()) {
  spec.Allow({"label"});
}

HnswlibEngine::~HnswlibEngine() = default;

std::string HnswlibEngine::Description() {
  return "hnswlib in process (headers, -O3 -march=native), one thread";
}

BuildReport HnswlibEngine::Build(const Dataset& dataset, const BuildSettings& settings) {
  RequireDenseProducts(dataset, label_);
  state_->dim = dataset.dim();
  state_->normalize = dataset.metric == Metric::kCosine;
  if (dataset.metric == Metric::kL2)
    state_->space = std::make_unique<hnswlib::L2Space>(dataset.dim());
  else
    state_->space = std::make_unique<hnswlib::InnerProductSpace>(dataset.dim());

  std::string saved = fmt::format("{}/{}.hnswlib-m{}-efc{}", settings.cache_dir, dataset.cache_key,
                                  settings.m, settings.ef_construction);
  BuildReport report;
  if (settings.reuse && std::filesystem::exists(saved + ".seconds")) {
    state_->index = std::make_unique<hnswlib::HierarchicalNSW<float>>(state_->space.get(), saved);
    report.build_seconds = ReadSeconds(saved + ".seconds");
    report.reused = true;
  } else {
    state_->index = std::make_unique<hnswlib::HierarchicalNSW<float>>(
        state_->space.get(), dataset.base.rows, static_cast<size_t>(settings.m),
        static_cast<size_t>(settings.ef_construction), kSeed);
    std::vector<float> unit(dataset.dim());
    Stopwatch watch;
    double cpu = ThreadCpuSeconds();
    for (size_t i = 0; i < dataset.base.rows; ++i) {
      const float* row = dataset.base.Row(i);
      if (state_->normalize) {
        NormalizeRow(row, dataset.dim(), unit.data());
        row = unit.data();
      }
      state_->index->addPoint(row, i);
    }
    report.build_seconds = watch.Seconds();
    report.build_cpu_seconds = ThreadCpuSeconds() - cpu;
    if (settings.reuse) {
      state_->index->saveIndex(saved);
      std::ofstream(saved + ".seconds") << report.build_seconds << "\n";
    }
  }
  // What it holds in memory: layer 0 with the vectors, and the lists above.
  const auto& index = *state_->index;
  report.index_bytes = static_cast<double>(index.cur_element_count * index.size_data_per_element_);
  for (size_t i = 0; i < index.cur_element_count; ++i) {
    report.index_bytes += static_cast<double>(static_cast<size_t>(index.element_levels_[i]) *
                                              index.size_links_per_element_);
  }
  return report;
}

std::unique_ptr<Searcher> HnswlibEngine::NewSearcher(int k) {
  return std::make_unique<HnswlibSearcher>(state_, k);
}

}  // namespace quiver::bench
