// Every kernel at the dimensions that matter, once per SIMD level this CPU has.
//
//   cmake -S . -B build -DQUIVER_BENCH=ON && cmake --build build --target quiver_micro
//   build/quiver_micro --benchmark_filter='avx512/code_dots'
//
// Data lie in the first-level cache; code_dots and *_many report nanoseconds per code.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/f16.h"
#include "base/random.h"
#include "code/rotation.h"
#include "distance/kernels.h"

namespace {

using benchmark::State;
using quiver::SplitMix64;

std::vector<float> Floats(size_t n, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<float> out(n);
  for (float& x : out) x = static_cast<float>(random.NextDouble() * 2 - 1);
  return out;
}

std::vector<uint16_t> Halves(size_t n, uint64_t seed) {
  std::vector<uint16_t> out(n);
  const std::vector<float> in = Floats(n, seed);
  for (size_t i = 0; i < n; i++) out[i] = quiver::F32ToF16(in[i]);
  return out;
}

std::vector<uint8_t> Bytes(size_t n, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<uint8_t> out(n);
  for (uint8_t& x : out) x = static_cast<uint8_t>(random.Next());
  return out;
}

using Distance32 = float (*)(const float*, const float*, size_t);
using DistanceMixed = float (*)(const float*, const uint16_t*, float, size_t);

void RunDistance32(State& state, Distance32 kernel, size_t dim) {
  const std::vector<float> a = Floats(dim, 1);
  const std::vector<float> b = Floats(dim, 2);
  for (auto _ : state) benchmark::DoNotOptimize(kernel(a.data(), b.data(), dim));
}

void RunMixed(State& state, DistanceMixed kernel, size_t dim) {
  const std::vector<float> a = Floats(dim, 1);
  const std::vector<uint16_t> b = Halves(dim, 2);
  for (auto _ : state) benchmark::DoNotOptimize(kernel(a.data(), b.data(), 0.5f, dim));
}

void CountCodes(State& state, size_t codes) {
  state.counters["ns/code"] = benchmark::Counter(
      static_cast<double>(codes) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void RunCodeDots(State& state, const QuiverKernels* kernels, size_t dim, int bits, size_t count) {
  const size_t stride = static_cast<size_t>(bits) * ((dim + 7) / 8);
  const std::vector<uint8_t> codes = Bytes(stride * count + 64, 3);
  const std::vector<float> x = Floats(dim, 1);
  std::vector<int8_t> query((dim + 63) / 64 * 64);
  std::vector<int32_t> dots(count);
  float step;
  const int32_t sum = kernels->quantize_i8(x.data(), dim, query.data(), &step);
  for (auto _ : state) {
    kernels->code_dots(codes.data(), stride, count, dim, bits, query.data(), sum, dots.data());
    benchmark::ClobberMemory();
  }
  CountCodes(state, count);
}

void RunEncode(State& state, const QuiverKernels* kernels, size_t dim, int bits) {
  const std::vector<float> c = Floats(dim, 1);
  const std::vector<float> o = Floats(dim, 2);
  const std::vector<float> mu = Floats(dim, 3);
  std::vector<uint8_t> code(static_cast<size_t>(bits) * ((dim + 7) / 8));
  QuiverEdgeTerms terms;
  for (auto _ : state) {
    kernels->encode_edge(c.data(), o.data(), mu.data(), dim, bits, code.data(), &terms);
    benchmark::ClobberMemory();
  }
}

void RunQuantize(State& state, const QuiverKernels* kernels, size_t dim) {
  const std::vector<float> x = Floats(dim, 1);
  std::vector<int8_t> out((dim + 63) / 64 * 64);
  float step;
  for (auto _ : state)
    benchmark::DoNotOptimize(kernels->quantize_i8(x.data(), dim, out.data(), &step));
}

void RunHadamard(State& state, const QuiverKernels* kernels, size_t n) {
  std::vector<float> x = Floats(n, 1);
  for (auto _ : state) {
    kernels->hadamard(x.data(), n);
    benchmark::ClobberMemory();
  }
}

void RunRotate(State& state, const QuiverKernels* kernels, size_t dim) {
  std::vector<float> x = Floats(dim, 1);
  std::vector<uint64_t> words(quiver::RotationSignWords(dim));
  quiver::MakeRotationSigns(1, dim, words.data());
  for (auto _ : state) {
    quiver::Rotate(*kernels, words.data(), x.data(), dim);
    benchmark::ClobberMemory();
  }
}

void RunHamming(State& state, const QuiverKernels* kernels, size_t bytes) {
  const std::vector<uint8_t> a = Bytes(bytes, 1);
  const std::vector<uint8_t> b = Bytes(bytes, 2);
  for (auto _ : state) benchmark::DoNotOptimize(kernels->hamming(a.data(), b.data(), bytes));
}

void RunHammingMany(State& state, const QuiverKernels* kernels, size_t bytes, size_t count) {
  const std::vector<uint8_t> query = Bytes(bytes, 1);
  const std::vector<uint8_t> codes = Bytes(bytes * count + 64, 2);
  std::vector<uint32_t> out(count);
  for (auto _ : state) {
    kernels->hamming_many(query.data(), codes.data(), bytes, count, bytes, out.data());
    benchmark::ClobberMemory();
  }
  CountCodes(state, count);
}

void RunJaccardMany(State& state, const QuiverKernels* kernels, size_t bytes, size_t count) {
  const std::vector<uint8_t> query = Bytes(bytes, 1);
  const std::vector<uint8_t> codes = Bytes(bytes * count + 64, 2);
  std::vector<uint32_t> both(count), either(count);
  for (auto _ : state) {
    kernels->jaccard_many(query.data(), codes.data(), bytes, count, bytes, both.data(),
                          either.data());
    benchmark::ClobberMemory();
  }
  CountCodes(state, count);
}

void RegisterLevel(const QuiverKernels* kernels) {
  const std::string level = std::string(kernels->name) + "/";
  const auto name = [&](const std::string& kernel, size_t size) {
    return level + kernel + "/" + std::to_string(size);
  };
  for (const size_t dim : {100, 128, 384, 768, 784, 1536}) {
    benchmark::RegisterBenchmark(name("l2sq_f32", dim).c_str(), RunDistance32, kernels->l2sq_f32,
                                 dim);
    benchmark::RegisterBenchmark(name("l2sq_f32_f16", dim).c_str(), RunMixed, kernels->l2sq_f32_f16,
                                 dim);
    benchmark::RegisterBenchmark(name("ip_f32_f16", dim).c_str(), RunMixed, kernels->ip_f32_f16,
                                 dim);
    benchmark::RegisterBenchmark(name("l1_f32_f16", dim).c_str(), RunMixed, kernels->l1_f32_f16,
                                 dim);
    benchmark::RegisterBenchmark(name("quantize_i8", dim).c_str(), RunQuantize, kernels, dim);
    benchmark::RegisterBenchmark(name("rotate", dim).c_str(), RunRotate, kernels, dim);
    const int bits = dim < 384 ? 2 : 1;
    benchmark::RegisterBenchmark((name("encode_edge", dim) + "x" + std::to_string(bits)).c_str(),
                                 RunEncode, kernels, dim, bits);
  }
  struct Shape {
    size_t dim;
    int bits;
    size_t count;
  };
  for (const Shape& shape : {Shape{100, 1, 30}, Shape{100, 2, 28}, Shape{128, 2, 24},
                             Shape{100, 4, 20}, Shape{384, 1, 32}, Shape{512, 1, 22},
                             Shape{768, 1, 23}, Shape{784, 1, 21}, Shape{1536, 1, 24}})
    benchmark::RegisterBenchmark((name("code_dots", shape.dim) + "x" + std::to_string(shape.bits) +
                                  "/count:" + std::to_string(shape.count))
                                     .c_str(),
                                 RunCodeDots, kernels, shape.dim, shape.bits, shape.count);
  for (const size_t n : {64, 128, 256, 512, 1024, 2048, 8192})
    benchmark::RegisterBenchmark(name("hadamard", n).c_str(), RunHadamard, kernels, n);
  benchmark::RegisterBenchmark(name("hamming", 128).c_str(), RunHamming, kernels, size_t{128});
  for (const size_t bytes : {8, 16, 32, 48, 64, 96, 128, 192, 256}) {
    const size_t count = 8000 / bytes < 100 ? 8000 / bytes : 100;
    benchmark::RegisterBenchmark(name("hamming_many", bytes).c_str(), RunHammingMany, kernels,
                                 bytes, count);
    benchmark::RegisterBenchmark(name("jaccard_many", bytes).c_str(), RunJaccardMany, kernels,
                                 bytes, count);
  }
}

const bool registered = [] {
  for (const QuiverSimdLevel level :
       {QUIVER_SIMD_SCALAR, QUIVER_SIMD_AVX2, QUIVER_SIMD_AVX512, QUIVER_SIMD_NEON})
    if (const QuiverKernels* kernels = quiver_kernels_for(level)) RegisterLevel(kernels);
  return true;
}();

}  // namespace
