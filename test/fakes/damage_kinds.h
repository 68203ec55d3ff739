// Damage to an index, one field at a time, and what the verifier is to make of it.
#ifndef QUIVER_FAKES_DAMAGE_KINDS_H
#define QUIVER_FAKES_DAMAGE_KINDS_H

#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "fakes/memory_index.h"

namespace quiver::fakes {

class Patient {
 public:
  explicit Patient(const MemoryIndex& sound) : index_(sound) {}

  MemoryIndex* index() { return &index_; }
  const NodeLayout& layout() const { return index_.layout(); }
  QuiverMetric index_metric() const { return index_.params().metric; }

  template <class T>
  void Put(uint32_t block, size_t offset, T value) {
    index_.file()->Overwrite(block, offset, &value, sizeof value);
  }
  template <class T>
  T Get(uint32_t block, size_t offset) const {
    T value;
    memcpy(&value, const_cast<MemoryIndex&>(index_).file()->Copy(block).data() + offset,
           sizeof value);
    return value;
  }
  template <class T>
  void Flip(uint32_t block, size_t offset, T bits) {
    Put<T>(block, offset, static_cast<T>(Get<T>(block, offset) ^ bits));
  }

  uint32_t First(PageKind kind) const { return index_.PagesOf(kind)[0]; }
  bool Has(PageKind kind) const { return !index_.PagesOf(kind).empty(); }
  // Offset on its page of a field of a page's first node.
  size_t Head(size_t field, uint32_t slot = 0) const { return layout().OffsetOf(slot) + field; }
  size_t Slot(size_t field, size_t size, uint32_t i) const {
    return layout().OffsetOf(0) + field + i * size;
  }
  // A node with further rows, and its place on the page.
  uint32_t NodeWithPostings(uint32_t* slot) const {
    for (const uint32_t block : index_.PagesOf(PageKind::kNode))
      for (*slot = 0; *slot < layout().nodes_per_page; ++*slot)
        if (Get<uint8_t>(block, Head(offsetof(NodeHead, flags), *slot)) != 0 &&
            Get<uint32_t>(block, Head(offsetof(NodeHead, posting_head), *slot)) !=
                QUIVER_INVALID_BLOCK)
          return block;
    abort();
  }

 private:
  MemoryIndex index_;
};

struct DamageKind {
  const char* name;
  QuiverSeverity severity;
  const char* text;  // of the finding
  std::function<bool(const Patient&)> applies;
  std::function<void(Patient*)> damage;
};

// Every kind; not all apply to an index of each form.  REQUIRES for those that do:
// the index is one of IndexOfAllPageKinds.
std::vector<DamageKind> DamageKinds();

// Parts of it.
void AddLinkDamage(std::vector<DamageKind>* kinds);
void AddChainDamage(std::vector<DamageKind>* kinds);

inline bool Always(const Patient&) {
  return true;
}
inline std::function<bool(const Patient&)> Having(PageKind kind) {
  return [kind](const Patient& patient) { return patient.Has(kind); };
}

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_DAMAGE_KINDS_H
