// The beam of a best-first search: the `width` nearest candidates seen, in order.
#ifndef QUIVER_GRAPH_BEAM_H
#define QUIVER_GRAPH_BEAM_H

#include <algorithm>
#include <limits>

#include "base/arena.h"
#include "page/node.h"

namespace quiver {

enum CandidateMarks : uint16_t {
  kExpanded = 1,
  kAnnounced = 2,  // as one of the next to be expanded
};

// A node somebody pointed to, at its estimated inner distance.
struct Candidate {
  float distance;
  uint32_t number;
  uint16_t generation;
  uint16_t marks;  // CandidateMarks, within a beam

  NodePointer pointer() const { return {number, generation}; }
};

class Beam {
 public:
  explicit Beam(Allocator* allocator) : entries_(allocator) {}

  // Empties it.  REQUIRES: width >= 1.
  void Reset(size_t width) {
    width_ = width;
    next_ = 0;
    entries_.Clear();
    entries_.Reserve(width + 1);
  }

  // Nothing at or beyond this distance gets in.
  float Threshold() const {
    return entries_.size() < width_ ? std::numeric_limits<float>::infinity()
                                    : entries_.back().distance;
  }

  // Puts a candidate in.  Returns true when another one had to leave for it,
  // which is then in *evicted.  REQUIRES: distance < Threshold(), or the beam
  // is not full.
  bool Put(const Candidate& candidate, Candidate* evicted) {
    bool full = entries_.size() == width_;
    if (full) {
      *evicted = entries_.back();
      entries_.PopBack();
    }
    const size_t size = entries_.size();
    size_t at = static_cast<size_t>(
        std::upper_bound(entries_.begin(), entries_.end(), candidate.distance,
                         [](float d, const Candidate& c) { return d < c.distance; }) -
        entries_.begin());
    entries_.PushBack(candidate);
    memmove(static_cast<void*>(&entries_[at] + 1), &entries_[at], (size - at) * sizeof(Candidate));
    entries_[at] = candidate;
    entries_[at].marks = 0;
    next_ = std::min(next_, at);
    return full;
  }

  // The nearest candidate not yet taken; false when all are.
  bool Take(Candidate* candidate) {
    while (next_ < entries_.size() && (entries_[next_].marks & kExpanded) != 0) next_++;
    if (next_ == entries_.size()) return false;
    entries_[next_].marks |= kExpanded;
    *candidate = entries_[next_++];
    return true;
  }

  // Calls announce for those of the next `count` candidates that it was not called
  // for before.
  template <class Announce>
  void AnnounceNext(size_t count, const Announce& announce) {
    for (size_t i = next_; i < entries_.size() && count > 0; i++) {
      if ((entries_[i].marks & kExpanded) != 0) continue;
      if ((entries_[i].marks & kAnnounced) == 0) announce(entries_[i]);
      entries_[i].marks |= kAnnounced;
      count--;
    }
  }

 private:
  ArenaVector<Candidate> entries_;
  size_t width_ = 1;
  size_t next_ = 0;
};

}  // namespace quiver

#endif  // QUIVER_GRAPH_BEAM_H
