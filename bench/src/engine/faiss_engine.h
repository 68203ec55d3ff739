// Faiss IndexHNSWFlat in this process, as the distribution compiled the library; one thread.
#ifndef QUIVER_BENCH_ENGINE_FAISS_ENGINE_H
#define QUIVER_BENCH_ENGINE_FAISS_ENGINE_H

#include <memory>
#include <string>

#include "engine/engine.h"

namespace quiver::bench {

class FaissEngine : public Engine {
 public:
  explicit FaissEngine(const Spec& spec);
  ~FaissEngine() override;

  const std::string& label() const override { return label_; }
  std::string Description() override;
  int max_ef() const override { return 100000; }
  bool on_server() const override { return false; }
  BuildReport Build(const Dataset& dataset, const BuildSettings& settings) override;
  std::unique_ptr<Searcher> NewSearcher(int k) override;

  struct State;  // shared with the searchers

 private:
  std::string label_;
  std::shared_ptr<State> state_;
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_ENGINE_FAISS_ENGINE_H
