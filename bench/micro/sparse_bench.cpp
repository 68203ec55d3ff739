// A sparse query against many stored vectors, once per SIMD level, and the plain
// merge of two lists of indices that the prepared query must beat.
//
//   build/quiver_micro --benchmark_filter='sparse'
//
// The stored vectors take some hundred kilobytes, more than a branch predictor
// remembers.  Dimensions are drawn evenly ("even"), or as words are, a rank as
// likely as 1 / rank ("words"), which makes vectors share many.  Times are per
// stored vector.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "distance/kernels.h"
#include "distance/sparse.h"

namespace {

using benchmark::State;
using quiver::SplitMix64;

struct Shape {
  size_t query;       // entries
  size_t stored;      // entries on average; half to one and a half of it
  double vocabulary;  // dimensions
  bool words;
};

struct Sparse {
  std::vector<uint32_t> indices;
  std::vector<float> values;

  Sparse(size_t count, const Shape& shape, SplitMix64& random) {
    std::set<uint32_t> chosen;
    while (chosen.size() < count) {
      const double u = random.NextDouble();
      const double rank = shape.words ? std::pow(shape.vocabulary, u) : u * shape.vocabulary;
      // Ranks to dimensions that are spread evenly; the multiplier is prime.
      const auto dim = static_cast<uint64_t>(shape.vocabulary);
      chosen.insert(static_cast<uint32_t>(static_cast<uint64_t>(rank) * 1299709 % dim));
    }
    indices.assign(chosen.begin(), chosen.end());
    for (size_t i = 0; i < count; i++)
      values.push_back(static_cast<float>(random.NextDouble() + 0.1));
  }
  QuiverSparseVector view() const { return {indices.data(), values.data(), indices.size()}; }
};

struct Data {
  Sparse query;
  std::vector<Sparse> stored;

  Data(const Shape& shape, SplitMix64 random) : query(shape.query, shape, random) {
    for (int i = 0; i < 1000; i++) {
      const size_t count = shape.stored / 2 + random.Next() % (shape.stored + 1);
      stored.emplace_back(count, shape, random);
    }
  }
};

void CountVectors(State& state, size_t vectors) {
  state.counters["ns/vector"] = benchmark::Counter(
      static_cast<double>(vectors) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

using Kernel = float (*)(const QuiverSparseQuery*, const uint32_t*, const float*, size_t);

void RunQuery(State& state, Kernel kernel, const Shape& shape) {
  const Data data(shape, SplitMix64(1));
  std::vector<uint64_t> memory(quiver_sparse_query_bytes(shape.query) / 8 + 1);
  const QuiverSparseQuery* query = quiver_sparse_prepare(memory.data(), data.query.indices.data(),
                                                         data.query.values.data(), shape.query);
  for (auto _ : state)
    for (const Sparse& v : data.stored)
      benchmark::DoNotOptimize(kernel(query, v.indices.data(), v.values.data(), v.indices.size()));
  CountVectors(state, data.stored.size());
}

void RunMerge(State& state, const Shape& shape) {
  const Data data(shape, SplitMix64(1));
  for (auto _ : state)
    for (const Sparse& v : data.stored)
      benchmark::DoNotOptimize(quiver_sparse_pair_l2sq(data.query.view(), v.view()));
  CountVectors(state, data.stored.size());
}

void RunPrepare(State& state, size_t count) {
  SplitMix64 random(1);
  const Sparse query(count, {count, count, 30000, false}, random);
  std::vector<uint64_t> memory(quiver_sparse_query_bytes(count) / 8 + 1);
  for (auto _ : state)
    benchmark::DoNotOptimize(
        quiver_sparse_prepare(memory.data(), query.indices.data(), query.values.data(), count));
}

std::string Name(const std::string& kernel, const Shape& shape) {
  return kernel + "/" + std::to_string(shape.query) + "x" + std::to_string(shape.stored) +
         (shape.words ? "/words:" : "/even:") +
         std::to_string(static_cast<uint64_t>(shape.vocabulary));
}

const bool registered = [] {
  std::vector<Shape> shapes;
  for (const bool words : {false, true})
    for (const double vocabulary : {30e3, 1e6})
      for (const size_t query : {30, 100, 200})
        for (const size_t stored : {30, 100, 200})
          shapes.push_back({query, stored, vocabulary, words});
  for (const Shape& shape : shapes)
    benchmark::RegisterBenchmark(Name("merge/sparse_l2sq", shape).c_str(), RunMerge, shape);
  for (const QuiverSimdLevel level :
       {QUIVER_SIMD_SCALAR, QUIVER_SIMD_AVX2, QUIVER_SIMD_AVX512, QUIVER_SIMD_NEON})
    if (const QuiverKernels* kernels = quiver_kernels_for(level))
      for (const Shape& shape : shapes) {
        const std::string name = std::string(kernels->name) + "/";
        benchmark::RegisterBenchmark(Name(name + "sparse_l2sq", shape).c_str(), RunQuery,
                                     kernels->sparse_l2sq, shape);
        benchmark::RegisterBenchmark(Name(name + "sparse_ip", shape).c_str(), RunQuery,
                                     kernels->sparse_ip, shape);
      }
  for (const size_t count : {30, 100, 200, 1000})
    benchmark::RegisterBenchmark(("sparse_prepare/" + std::to_string(count)).c_str(), RunPrepare,
                                 count);
  return true;
}();

}  // namespace
