#include "engine/faiss_engine.h"

#include <faiss/IndexHNSW.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <filesystem>
#include <fstream>

#include "base/failure.h"
#include "base/pinning.h"
#include "base/stopwatch.h"
#include "engine/unit_rows.h"
#include "truth/ground_truth.h"

namespace quiver::bench {

struct FaissEngine::State {
  size_t dim = 0;
  bool normalize = false;
  std::unique_ptr<faiss::IndexHNSW> index;
};

namespace {

static_assert(sizeof(faiss::Index::idx_t) == sizeof(int64_t));
static_assert(kNoRow == -1, "what Faiss returns for a missing row");

class FaissSearcher : public Searcher {
 public:
  FaissSearcher(std::shared_ptr<FaissEngine::State> state, int k)
      : state_(std::move(state)), k_(k), unit_(state_->dim), distances_(static_cast<size_t>(k)) {}

  void SetEf(int ef) override { state_->index->hnsw.efSearch = ef; }
  bool Pin(int) override { return true; }

  void Search(const float* query, int64_t* ids) override {
    omp_set_num_threads(1);  // of the calling thread; a team of two would only be slower here
    if (state_->normalize) {
      NormalizeRow(query, state_->dim, unit_.data());
      query = unit_.data();
    }
    state_->index->search(1, query, k_, distances_.data(), ids);
  }

 private:
  std::shared_ptr<FaissEngine::State> state_;
  int k_;
  std::vector<float> unit_;
  std::vector<float> distances_;
};

double IndexBytes(const faiss::IndexHNSW& index, size_t dim) {
  const faiss::HNSW& graph = index.hnsw;
  return static_cast<double>(graph.neighbors.size() * sizeof(graph.neighbors[0]) +
                             graph.offsets.size() * sizeof(graph.offsets[0]) +
                             graph.levels.size() * sizeof(graph.levels[0])) +
         static_cast<double>(index.ntotal) * static_cast<double>(dim * sizeof(float));
}

}  // namespace

FaissEngine::FaissEngine(const Spec& spec)
    : label_(spec.Get("label", "Faiss HNSW")), state_(std::make_shared<State>()) {
  spec.Allow({"label"});
}

FaissEngine::~FaissEngine() = default;

std::string FaissEngine::Description() {
  return fmt::format(
      "Faiss {}.{}.{} IndexHNSWFlat in process (the distribution's library), one thread",
      FAISS_VERSION_MAJOR, FAISS_VERSION_MINOR, FAISS_VERSION_PATCH);
}

BuildReport FaissEngine::Build(const Dataset& dataset, const BuildSettings& settings) {
  RequireDenseProducts(dataset, label_);
  state_->dim = dataset.dim();
  state_->normalize = dataset.metric == Metric::kCosine;
  std::string saved = fmt::format("{}/{}.faiss-m{}-efc{}", settings.cache_dir, dataset.cache_key,
                                  settings.m, settings.ef_construction);
  BuildReport report;
  if (settings.reuse && std::filesystem::exists(saved + ".seconds")) {
    state_->index.reset(dynamic_cast<faiss::IndexHNSW*>(faiss::read_index(saved.c_str())));
    if (state_->index == nullptr) Fail("\"{}\" is no HNSW index of Faiss", saved);
    std::ifstream(saved + ".seconds") >> report.build_seconds;
    report.reused = true;
  } else {
    state_->index = std::make_unique<faiss::IndexHNSWFlat>(
        static_cast<int>(dataset.dim()), settings.m,
        dataset.metric == Metric::kL2 ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT);
    state_->index->hnsw.efConstruction = settings.ef_construction;
    std::vector<float> unit;
    const float* rows = dataset.base.data;
    if (state_->normalize) {
      unit.resize(dataset.base.rows * dataset.dim());
      for (size_t i = 0; i < dataset.base.rows; ++i)
        NormalizeRow(dataset.base.Row(i), dataset.dim(), &unit[i * dataset.dim()]);
      rows = unit.data();
    }
    int former = omp_get_max_threads();
    omp_set_num_threads(1);
    Stopwatch watch;
    double cpu = ThreadCpuSeconds();
    state_->index->add(static_cast<faiss::Index::idx_t>(dataset.base.rows), rows);
    report.build_seconds = watch.Seconds();
    report.build_cpu_seconds = ThreadCpuSeconds() - cpu;
    omp_set_num_threads(former);
    if (settings.reuse) {
      faiss::write_index(state_->index.get(), saved.c_str());
      std::ofstream(saved + ".seconds") << report.build_seconds << "\n";
    }
  }
  report.index_bytes = IndexBytes(*state_->index, dataset.dim());
  return report;
}

std::unique_ptr<Searcher> FaissEngine::NewSearcher(int k) {
  return std::make_unique<FaissSearcher>(state_, k);
}

}  // namespace quiver::bench
