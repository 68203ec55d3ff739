#include "exact_search.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace demo {

namespace {

constexpr size_t kQueriesPerBlock =
    32;  // 32 queries of 784 int16 are 50 kB: they stay in the second-level cache
constexpr size_t kRowsPerBlock = 64;

#if defined(__x86_64__)
// This program is compiled with gcc only, for which one name can stand for several CPUs' code.
__attribute__((target_clones("avx2", "default")))
#endif
int32_t
Dot(const int16_t* a, const int16_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += int32_t{a[i]} * int32_t{b[i]};
  return sum;
}

struct Widened {
  std::vector<int16_t> values;
  std::vector<int32_t> squared_norms;
};

Widened Widen(const IdxFile& file) {
  Widened wide{std::vector<int16_t>(file.bytes.begin(), file.bytes.end()),
               std::vector<int32_t>(file.count)};
  for (size_t i = 0; i < file.count; ++i) {
    const int16_t* item = &wide.values[i * file.item_size];
    wide.squared_norms[i] = Dot(item, item, file.item_size);
  }
  return wide;
}

// Keeps the k least in a max-heap.
void Offer(std::vector<Neighbour>* heap, size_t k, Neighbour candidate) {
  if (heap->size() < k) {
    heap->push_back(candidate);
    std::push_heap(heap->begin(), heap->end());
  } else if (candidate < heap->front()) {
    std::pop_heap(heap->begin(), heap->end());
    heap->back() = candidate;
    std::push_heap(heap->begin(), heap->end());
  }
}

}  // namespace

int32_t SquaredDistance(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  int32_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const int32_t difference = int32_t{a[i]} - int32_t{b[i]};
    sum += difference * difference;
  }
  return sum;
}

std::vector<std::vector<Neighbour>> ExactNeighbours(const IdxFile& base, const IdxFile& queries,
                                                    size_t k,
                                                    const std::function<void(size_t)>& progress) {
  const size_t dim = base.item_size;
  const Widened rows = Widen(base);
  const Widened wanted = Widen(queries);
  std::vector<std::vector<Neighbour>> answers(queries.count);
  std::atomic<size_t> next = 0;
  std::mutex report;
  size_t done = 0;

  auto work = [&] {
    for (size_t first; (first = next.fetch_add(kQueriesPerBlock)) < queries.count;) {
      const size_t last = std::min(first + kQueriesPerBlock, queries.count);
      for (size_t row_block = 0; row_block < base.count; row_block += kRowsPerBlock) {
        const size_t row_end = std::min(row_block + kRowsPerBlock, base.count);
        for (size_t q = first; q < last; ++q) {
          for (size_t r = row_block; r < row_end; ++r) {
            const int32_t dot = Dot(&wanted.values[q * dim], &rows.values[r * dim], dim);
            const int32_t distance = wanted.squared_norms[q] + rows.squared_norms[r] - 2 * dot;
            Offer(&answers[q], k, {distance, static_cast<int32_t>(r)});
          }
        }
      }
      for (size_t q = first; q < last; ++q) std::sort(answers[q].begin(), answers[q].end());
      std::lock_guard lock(report);
      done += last - first;
      progress(done);
    }
  };

  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return answers;
}

}  // namespace demo
