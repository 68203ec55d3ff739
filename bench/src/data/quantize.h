// Bits from dense rows: one a dimension, set where the component is above a threshold.
#ifndef QUIVER_BENCH_DATA_QUANTIZE_H
#define QUIVER_BENCH_DATA_QUANTIZE_H

#include <string>

namespace quiver::bench {

enum class Threshold {
  kMedian,  // of the dimension, over a sample of the base: about half of all bits are set
  kSign     // 0, as the SQL function binary_quantize does it
};

Threshold ParseThreshold(const std::string& text);

// Base and queries alike, from matrix files into matrix files.
void QuantizeToBits(Threshold threshold, const std::string& dense_base,
                    const std::string& dense_queries, const std::string& base,
                    const std::string& queries);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_QUANTIZE_H
