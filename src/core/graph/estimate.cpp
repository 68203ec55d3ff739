#include "graph/estimate.h"

#include <algorithm>
#include <cmath>

#include "base/bits.h"
#include "graph/build.h"
#include "graph/index.h"
#include "page/list_page.h"

namespace quiver {

namespace {

// Sparse vectors by their number of entries: equally many stand for each of these.
constexpr int kQuantiles = 200;

// Bytes of pages that a build takes at once: of a file that it shares, and of its own memory, which
// comes in huge pages where there are any.
constexpr double kSharedAtOnce = 16 << 20;
constexpr double kPrivateAtOnce = 2 << 20;

// Upper layers thin out by this factor (insert.cpp).
constexpr double kThinning = 32;

// Entries of the q-th of kQuantiles sparse vectors, normally distributed (as the logistic
// function has it).
double EntriesAt(const QuiverRowsGuess& guess, int q) {
  const double share = (q + 0.5) / kQuantiles;
  const double z = std::log(share / (1 - share)) / 1.702;
  return std::clamp<double>(std::round(guess.entries + z * guess.entries_deviation), 1,
                            QUIVER_MAX_SPARSE_ENTRIES);
}

// Chunk pages of a node, on the average.
double ChunksOfNode(const NodeLayout& layout, const QuiverRowsGuess& guess) {
  const auto chunks = [](double bytes) { return std::ceil(bytes / kChunkBytes); };
  if (layout.form != QUIVER_FORM_SPARSE)
    return (layout.vector_at_home ? 0 : chunks(layout.vector_bytes)) + layout.CodeChunks();
  double sum = 0;
  for (int q = 0; q < kQuantiles; q++) {
    const double bytes = 8 * EntriesAt(guess, q);
    if (bytes > layout.vector_bytes) sum += chunks(bytes);
  }
  return sum / kQuantiles;
}

// The share of the nodes that is on layer 1 only to cover the data.  It depends on them: none
// where all are about equally far from each other, up to 0.09 where they lie in islands.
// Measured for docs/decisions/0009-estimates.md.
double CoverShare(const QuiverIndexParams& params, const NodeLayout& layout) {
  if (layout.codec != Codec::kEdge || params.metric == QUIVER_METRIC_IP) return 0;
  if (layout.bits == 1 && layout.slots < 22) return 0.035;
  constexpr double kFew = 8;
  constexpr double kMany = 32;
  return 0.05 - 0.02 * (std::clamp<double>(layout.dim, kFew, kMany) - kFew) / (kMany - kFew);
}

double GraphBytes(double pages, bool shared) {
  const double at_once = shared ? kSharedAtOnce : kPrivateAtOnce;
  return std::ceil(pages * kPageBytes / at_once) * at_once;
}

// Bytes of a row as it is collected, vector included.
double CollectedBytes(const NodeLayout& layout, const QuiverRowsGuess& guess) {
  const double vector = layout.form == QUIVER_FORM_SPARSE ? 8 * guess.entries : layout.vector_bytes;
  return static_cast<double>(sizeof(CollectedRow)) + std::ceil(vector / 8) * 8;
}

}  // namespace

bool EstimateSize(const QuiverIndexParams& params, const QuiverRowsGuess& guess,
                  QuiverSizeEstimate* estimate) {
  const auto room = static_cast<uint32_t>(8 * EntriesAt(guess, kQuantiles * 9 / 10));
  NodeLayout layout;
  if (!ChooseLayout(params, room, &layout)) return false;
  const double rows = guess.rows;
  *estimate = {};
  estimate->coded = layout.codec != Codec::kNone;
  estimate->list_rows = HasList(layout) ? kListLimit * uint64_t{ListEntriesPerPage(layout)} : 0;
  estimate->pages = 1;
  if (layout.codec == Codec::kEdge && rows > 0)
    estimate->pages += static_cast<double>(DivideUp(layout.dim, kCenterPerPage));
  const double collected = rows * CollectedBytes(layout, guess);
  if (HasList(layout) && rows <= static_cast<double>(estimate->list_rows)) {
    estimate->pages += std::ceil(rows / static_cast<double>(ListEntriesPerPage(layout)));
    estimate->memory = collected + GraphBytes(estimate->pages, guess.shared);
    return true;
  }

  const double cover = CoverShare(params, layout);
  const double uppers = rows * (cover + 1 / (kThinning - 1));
  estimate->pages += std::ceil(rows / layout.nodes_per_page) +
                     std::ceil(uppers / layout.nodes_per_page) +
                     (rows + uppers) * ChunksOfNode(layout, guess);
  estimate->graph = true;
  estimate->most_nodes = estimate->pages * layout.nodes_per_page;

  // Collected rows go as their nodes come, so that the most is at one of the ends.
  const double graph = GraphBytes(estimate->pages, guess.shared);
  double cells = 64;
  while (cells < 2 * rows) cells *= 2;
  estimate->memory = std::max(collected, graph) + cells * 16;
  return true;
}

}  // namespace quiver
