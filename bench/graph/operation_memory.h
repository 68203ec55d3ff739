// Memory of one operation of the core, as a memory context is under PostgreSQL: handed out piece by
// piece, given back all at once.
#ifndef QUIVER_BENCH_GRAPH_OPERATION_MEMORY_H
#define QUIVER_BENCH_GRAPH_OPERATION_MEMORY_H

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace quiver::bench {

class OperationMemory {
 public:
  // Aligned to 64 bytes, with any content.
  void* Allocate(size_t bytes);
  // Everything may be handed out again; nothing goes back to the system.
  void Reset();

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  struct Block {
    std::unique_ptr<char, Free> memory;
    size_t bytes;
  };

  std::vector<Block> blocks_;
  size_t current_ = 0;
  size_t used_ = 0;  // of the current block
};

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_GRAPH_OPERATION_MEMORY_H
