#include "client/search_run.h"

#include <atomic>
#include <exception>
#include <memory>
#include <thread>

#include "base/pinning.h"
#include "base/stopwatch.h"

namespace quiver::bench {

SearchRun RunOneByOne(Searcher* searcher, const Matrix& queries, int k, double limit) {
  SearchRun run;
  run.ids.resize(queries.rows * static_cast<size_t>(k));
  run.seconds.reserve(queries.rows);
  double cpu = ThreadCpuSeconds();
  Stopwatch whole;
  double last = 0;
  for (size_t i = 0; i < queries.rows && last < limit; ++i) {
    searcher->Search(queries.Row(i), &run.ids[i * static_cast<size_t>(k)]);
    double now = whole.Seconds();
    run.seconds.push_back(now - last);
    last = now;
  }
  run.elapsed = last;
  run.client_cpu = ThreadCpuSeconds() - cpu;
  run.ids.resize(run.count() * static_cast<size_t>(k));
  return run;
}

std::vector<int64_t> AnswerAll(Engine* engine, const Matrix& queries, int k, int ef) {
  std::vector<int64_t> ids(queries.rows * static_cast<size_t>(k));
  std::vector<std::exception_ptr> errors(static_cast<size_t>(CpuCount()));
  std::atomic<size_t> next{0};
  auto work = [&](size_t thread) {
    try {
      std::unique_ptr<Searcher> searcher = engine->NewSearcher(k);
      searcher->SetEf(ef);
      for (size_t i; (i = next.fetch_add(1)) < queries.rows;)
        searcher->Search(queries.Row(i), &ids[i * static_cast<size_t>(k)]);
    } catch (...) {
      errors[thread] = std::current_exception();
      next = queries.rows;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < errors.size(); ++i) threads.emplace_back(work, i);
  work(0);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  return ids;
}

}  // namespace quiver::bench
