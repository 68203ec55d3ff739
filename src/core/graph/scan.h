// A scan: a resumable stream of rows, nearest first.
//
//   list  ->  beam  ->  more beams  ->  sweep  ->  rows without a distance
//
// Rows are handed out before the next beam while three fifths of the nodes found wait: what
// the next beam finds may be nearer than the rest.
//
// The list is read exactly; the beam searches the graph; when the executor
// wants more, further beams go on from the candidates left over; when those are
// used up, or going on would read more pages than the file has, or memory runs
// out, a sweep over all pages brings every node not seen yet.  The sweep is
// what makes "no row is missing" true: an HNSW graph is not strongly connected.
#ifndef QUIVER_GRAPH_SCAN_H
#define QUIVER_GRAPH_SCAN_H

#include "graph/row_queue.h"
#include "graph/search.h"

namespace quiver {

class Scan {
 public:
  Scan(const QuiverStore* store, const QuiverIndex* index, const QuiverScanOptions* options);

  // `query` as SQL has it; nullptr: every row in any order.
  void Begin(const QuiverValue* query);
  bool Next(QuiverRow* row);
  // The row returned last is dead to everybody.
  void Kill();
  // Sets the hints that are pending.
  void Finish() { kills_.Apply(store_); }
  const QuiverScanStats& stats() const { return stats_; }

 private:
  enum class Phase : uint8_t { kFirstBeam, kBeams, kSweep, kNan, kNull, kEnd };

  bool NextPosting(PostingEntry* posting, float* distance);
  bool FillFirst();
  void EndRows();
  bool LookAhead() const;
  bool LookedEnough() const;
  bool FillMore();
  bool FillSweep();
  bool FillLoose(uint16_t flag);
  bool FurtherRows();
  uint32_t FirstOfChain();
  bool QueueFound();
  void ReadList(const Partition& partition);
  void SweepPage(uint32_t block);
  void BeginSweep();
  bool SeenBefore(QuiverTid tid);
  void BuildListTids();
  size_t Memory() const;
  // Where a row stands in the order, and whether it may be within the bound.
  bool Place(float distance, const StoredVector& vector, float size, DistanceBounds* key) const;
  bool PlaceVector(const StoredVector& vector, DistanceBounds* key);
  bool PlaceIsSure();
  // For a page being read: its version, and whether a row of it is to be skipped.
  uint64_t VersionOf(const QuiverPin& pin) const;
  bool Skips(const uint8_t* page, size_t row) const;

  const QuiverScanOptions* options_;
  Store store_;
  Allocator allocator_;
  GraphContext context_;
  QuiverScanStats stats_;
  Search search_;
  QueryMaker maker_;
  NodeReader reader_;
  Query query_;
  float* decoded_ = nullptr;  // where sizes of vectors are wanted
  bool ordered_ = false;
  bool bounded_ = false;
  bool has_graph_ = false;
  Phase phase_ = Phase::kFirstBeam;

  RowQueue queue_;                    // of the present batch
  RowQueue list_;                     // list rows not handed over yet
  ArenaVector<QuiverTid> list_tids_;  // all list rows, to find those that moved meanwhile
  Visited list_tid_set_;
  bool list_tid_set_built_ = false;

  // The row's node being handed out.
  QueuedRow current_;
  bool sure_ = false;     // exact order: no other row's distance lies between its bounds
  float highest_upper_;   // of the rows handed out
  bool decided_ = false;  // whether the node comes too late
  bool late_ = false;
  uint32_t current_posting_ = 0;
  ArenaVector<PostingEntry> chain_;  // one page of its further rows
  size_t chain_at_ = 0;
  uint32_t chain_last_ = 0;      // the page they are from
  RowOrigin chain_origin_ = {};  // of its first row

  ArenaVector<uint32_t> expanded_;   // bottom nodes handed over, by number
  ArenaVector<uint64_t> done_bits_;  // the same as a bitmap, once sweeping
  uint64_t nodes_queued_ = 0;
  uint64_t nodes_taken_ = 0;
  size_t width_ = 0;
  uint64_t rows_looked_at_ = 0;
  uint32_t sweep_block_ = 0;
  uint32_t loose_block_ = QUIVER_INVALID_BLOCK;
  uint32_t loose_last_ = 0;  // page read last
  float last_distance_;
  RowOrigin returned_ = {};  // the row returned last
  Kills kills_;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_SCAN_H
