// The fvecs and bvecs formats: per row an int32 dimension, then that many float32 or bytes.
// Which of the two it is, the file's name says.
#ifndef QUIVER_BENCH_DATA_VECS_FILE_H
#define QUIVER_BENCH_DATA_VECS_FILE_H

#include <cstddef>
#include <string>

namespace quiver::bench {

void ConvertVecs(const std::string& source, const std::string& target);

// As ConvertVecs, in an order shuffled with a fixed seed: files are often sorted by something, and
// a run that takes only the first queries must be a fair sample.
void ConvertVecsShuffled(const std::string& source, const std::string& target);

// `held` rows, chosen with a fixed seed, become queries (shuffled) and are left out of the base.
void ConvertVecsHoldingOut(const std::string& source, size_t held, const std::string& base,
                           const std::string& queries);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_DATA_VECS_FILE_H
