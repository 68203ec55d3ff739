// Chains of pages that rows are appended to: the list and the loose rows.
#ifndef QUIVER_GRAPH_CHAIN_H
#define QUIVER_GRAPH_CHAIN_H

#include "graph/vectors.h"
#include "page/list_page.h"

namespace quiver {

// Appends a row to the list.  False, and nothing done, where the partition
// takes no more list rows: the row belongs in the graph.
bool AppendToList(const Store& store, const QuiverIndex& index, const StoredVector& vector,
                  PostingEntry posting);

// Appends a row without a distance (kPostingNull or kPostingNan in its flags).
void AppendLoose(const Store& store, PostingEntry posting);

// Takes the empty page `block` off the list's head; the last one turns the
// partition into a graph.  Does nothing where somebody else was faster.
void UnlinkListHead(const Store& store, const QuiverIndex& index, uint32_t block);

// Position of a row on a locked list page, or -1.  The hash too, because a heap
// TID may come back with another vector.
int FindListEntry(const uint8_t* page, const NodeLayout& layout, QuiverTid tid, uint64_t hash);

}  // namespace quiver

#endif  // QUIVER_GRAPH_CHAIN_H
