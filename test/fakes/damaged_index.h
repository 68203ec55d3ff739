// Uses an index whose pages may hold anything: the operations must end, with rows
// or an error, in bounded time and memory.
#ifndef QUIVER_FAKES_DAMAGED_INDEX_H
#define QUIVER_FAKES_DAMAGED_INDEX_H

#include <string>

#include "fakes/memory_index.h"

namespace quiver::fakes {

// A small index with every kind of page that its form has: a list that drains, a
// graph with upper layers, chunk pages, posting pages, rows without a distance.
MemoryIndex IndexOfAllPageKinds(const QuiverIndexParams& params);

// Verifies the file, opens it, searches, walks, inserts and vacuums.  "" or what went wrong:
// an operation that would not end, took too much memory or failed for a reason
// that is not the index's damage.  Contract breaches end the program.
std::string UseDamaged(const MemoryFile& file, const QuiverIndexParams& params, uint64_t seed);

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_DAMAGED_INDEX_H
