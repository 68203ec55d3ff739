// Inserting rows.
#ifndef QUIVER_GRAPH_INSERT_H
#define QUIVER_GRAPH_INSERT_H

#include "graph/link.h"
#include "graph/place.h"

namespace quiver {

// A vector ready to be inserted, and as a query.
struct PreparedVector {
  StoredVector stored;
  Query query;  // of the stored copy, so that distances agree with later ones
};

// Inserts rows into the graph one after another; the memory is reused.
class Inserter {
 public:
  explicit Inserter(const GraphContext& context);

  // Makes a stored copy of an SQL value in the inserter's own buffers, valid until
  // the next call.
  PreparedVector Prepare(const QuiverValue& value);
  // The same from a stored copy (list row, collected row), kept by pointer.
  PreparedVector Prepare(const StoredVector& stored);

  // Adds the row to a node of the same vector if the search meets one, else as a
  // new node.  That bottom node's pointer, invalid where source's row was gone.
  NodePointer Insert(const PreparedVector& vector, PostingEntry posting, int ef_construction,
                     uint64_t random, const ListSource* source);

  // The next Insert is of a row whose vector most likely has a node: it is looked for with a
  // narrow beam first.
  void ExpectTwin() { expects_twin_ = true; }

  // Moves up to `rows` list rows of a draining partition into the graph.
  void DrainList(int rows, int ef_construction, uint64_t random);

 private:
  Placed InsertAtLevel(const PreparedVector& vector, const Partition& partition, NewNode* node,
                       int ef_construction, const ListSource* source, NodePointer* where,
                       bool* merged);
  bool FindTwin(const PreparedVector& vector, const Partition& partition);
  void FindNeighbors(const PreparedVector& vector, const Partition& partition, int level,
                     size_t width);
  void MakeEdges(const PreparedVector& vector, const Found* const* choices,
                 NeighborChooser::Count count);
  void WriteBackLinks(NodePointer to, int level, uint32_t count);

  const GraphContext* context_;
  QuiverScanStats stats_;
  Search search_;
  NeighborChooser chooser_;
  Placer placer_;
  LinkWriter linker_;
  QueryMaker query_;  // of the row
  bool expects_twin_ = false;
  bool uncovered_ = false;  // no node of layer 1 is near the row inserted
  float* scratch_;          // 2 x dim
  ArenaVector<uint64_t> stored_;
  float* neighbor_;      // one neighbour, decoded
  uint8_t* edge_codes_;  // slots x code_bytes
  uint8_t* back_codes_;  // their complements
  NewEdge edges_[kMaxSlots];
  Link back_links_[kMaxSlots];
  int lost_ = 0;  // searches in vain, one after another
};

// What quiver_insert does.
void InsertRow(const QuiverStore* store, const QuiverIndex* index,
               const QuiverInsertOptions& options, QuiverTid tid, const QuiverValue* value);

}  // namespace quiver

#endif  // QUIVER_GRAPH_INSERT_H
