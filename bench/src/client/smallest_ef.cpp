#include "client/smallest_ef.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failure.h"
#include "client/search_run.h"

namespace quiver::bench {

namespace {
constexpr size_t kTuningQueries = 1000;
constexpr int kFirstGuess = 16;
}  // namespace

std::string EfChoice::Text(const Engine& engine) const {
  if (engine.max_ef() == 0) return "-";
  if (ef == 0) return "default";
  return fmt::format("{}{}", ef, given ? " (given)" : reached ? "" : " (max)");
}

double EfFinder::RecallAt(Engine* engine, int ef, size_t queries) {
  queries = std::min(queries, dataset_.queries.rows);
  auto [entry, added] = known_.try_emplace({engine, {ef, queries}}, 0.0);
  if (added) {
    std::vector<int64_t> ids = AnswerAll(engine, dataset_.queries.First(queries), k_, ef);
    entry->second = truth_.Recall(dataset_, 0, queries, static_cast<size_t>(k_), ids);
    fmt::print(stderr, "  {}: ef {} recall@{} {:.4f} ({} queries)\n", engine->label(), ef, k_,
               entry->second, queries);
  }
  return entry->second;
}

int EfFinder::Bisect(Engine* engine, double recall, int low, int high, size_t queries) {
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    (RecallAt(engine, middle, queries) >= recall ? high : low) = middle;
  }
  return high;
}

EfChoice EfFinder::Given(Engine* engine, size_t queries) {
  std::optional<int> ef = engine->GivenEf(k_);
  if (!ef) Fail("{} needs an ef: a number, default or k", engine->label());
  return {*ef, RecallAt(engine, *ef, queries), true, true};
}

EfChoice EfFinder::Find(Engine* engine, double recall) {
  if (engine->GivenEf(k_)) return Given(engine, dataset_.queries.rows);
  const int largest = engine->max_ef();
  int low = 0;
  int high = std::min(kFirstGuess, largest);
  while (RecallAt(engine, high, kTuningQueries) < recall && high < largest) {
    low = high;
    high = std::min(high * 2, largest);
  }
  int ef = Bisect(engine, recall, low, high, kTuningQueries);

  // All queries: widen around the guess until one side reaches the recall and the other does not.
  const size_t all = dataset_.queries.rows;
  int step = std::max(1, ef / 20);
  low = ef - 1;
  high = ef;
  if (RecallAt(engine, ef, all) >= recall) {
    low = std::max(0, ef - step);
    while (low > 0 && RecallAt(engine, low, all) >= recall) {
      high = low;
      step *= 2;
      low = std::max(0, low - step);
    }
  } else {
    low = ef;
    high = std::min(ef + step, largest);
    while (high < largest && RecallAt(engine, high, all) < recall) {
      low = high;
      step *= 2;
      high = std::min(high + step, largest);
    }
  }
  EfChoice choice;
  choice.ef = Bisect(engine, recall, low, high, all);
  choice.recall = RecallAt(engine, choice.ef, all);
  choice.reached = choice.recall >= recall;
  return choice;
}

}  // namespace quiver::bench
