// The command line of quiver_graph.
#ifndef QUIVER_BENCH_GRAPH_GRAPH_OPTIONS_H
#define QUIVER_BENCH_GRAPH_GRAPH_OPTIONS_H

#include <cstddef>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "core_index.h"

namespace quiver::bench {

struct GraphOptions {
  std::string data;
  std::string cache;
  CoreSettings index;
  std::vector<int> efs;
  int k;
  size_t queries;  // the first of the data set
  int passes;      // the fastest counts
  int cpu;         // that it is bound to; -1: none
  bool hnswlib;    // beside the core
};

// Forces the SIMD level that it names.  Fails on anything unknown or out of range.
GraphOptions ParseGraphOptions(const CommandLine& words);

}  // namespace quiver::bench

#endif  // QUIVER_BENCH_GRAPH_GRAPH_OPTIONS_H
