// The exact nearest neighbours of every query, by comparing each with each.
//
// Pixels are whole numbers, so squared distances are too (at most 784 * 255^2 < 2^26) and are
// computed without rounding: ties are seen as ties.
#ifndef QUIVER_DEMO_EXACT_SEARCH_H
#define QUIVER_DEMO_EXACT_SEARCH_H

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "idx_file.h"

namespace demo {

struct Neighbour {
  int32_t squared_distance;
  int32_t id;
  friend auto operator<=>(const Neighbour&, const Neighbour&) = default;
};

int32_t SquaredDistance(std::span<const uint8_t> a, std::span<const uint8_t> b);

// For each query its k nearest, nearest first, equal distances by id.  Uses all cores;
// progress(done queries) is called from one thread at a time.
std::vector<std::vector<Neighbour>> ExactNeighbours(const IdxFile& base, const IdxFile& queries,
                                                    size_t k,
                                                    const std::function<void(size_t)>& progress);

}  // namespace demo

#endif  // QUIVER_DEMO_EXACT_SEARCH_H
