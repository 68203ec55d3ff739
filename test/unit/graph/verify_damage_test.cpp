// Damage that the verifier must see, kind by kind, and how much it makes of it.
#include <cmath>
#include <memory>

#include "base/f16.h"
#include "base/random.h"
#include "fakes/damaged_index.h"
#include "graph/index_testing.h"
#include "graph/node_reader.h"
#include "page/list_page.h"

namespace quiver::fakes {
namespace {

// An index that is damaged, field by field.
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

constexpr size_t kMetaAt = kPageHeaderBytes;
constexpr size_t kPartitionAt = kMetaAt + offsetof(MetaData, partition);

struct DamageKind {
  const char* name;
  QuiverSeverity severity;
  const char* text;  // of the finding
  std::function<bool(const Patient&)> applies;
  std::function<void(Patient*)> damage;
};

bool Always(const Patient&) {
  return true;
}

std::function<bool(const Patient&)> Having(PageKind kind) {
  return [kind](const Patient& patient) { return patient.Has(kind); };
}

template <class T>
DamageKind InHead(const char* name, QuiverSeverity severity, const char* text, PageKind kind,
                  size_t field, T value) {
  return {name, severity, text, Having(kind), [=](Patient* patient) {
            patient->Put<T>(patient->First(kind), patient->Head(field), value);
          }};
}

std::vector<DamageKind> DamageKinds() {
  const QuiverSeverity error = QUIVER_SEVERITY_ERROR;
  const QuiverSeverity warning = QUIVER_SEVERITY_WARNING;
  std::vector<DamageKind> kinds;
  // Page header and special space of each kind of page.
  for (const PageKind kind :
       {PageKind::kNode, PageKind::kUpper, PageKind::kList, PageKind::kPosting, PageKind::kLoose,
        PageKind::kChunk, PageKind::kCenter}) {
    const auto on_page = [&](const char* name, const char* text, size_t offset, auto value) {
      kinds.push_back({name, error, text, Having(kind), [=](Patient* patient) {
                         patient->Put(patient->First(kind), offset, value);
                       }});
    };
    on_page("magic", "the page header or its special space is damaged",
            kPageSpecialOffset + offsetof(PageSpecial, magic), uint16_t{7});
    on_page("kind", "the page header or its special space is damaged",
            kPageSpecialOffset + offsetof(PageSpecial, kind), uint8_t{77});
    on_page("partition", "the page header or its special space is damaged",
            kPageSpecialOffset + offsetof(PageSpecial, partition), uint32_t{1});
    on_page("special", "the page header or its special space is damaged",
            offsetof(PageHeader, special), uint16_t{8000});
    on_page("version", "the page header or its special space is damaged",
            offsetof(PageHeader, size_version), uint16_t{4});
    on_page("upper of zero", "a page without a header is not empty", offsetof(PageHeader, upper),
            uint16_t{0});
    if (kind != PageKind::kChunk)
      on_page("lower", "the end of the page's data is not where it must be",
              offsetof(PageHeader, lower), uint16_t{kPageHeaderBytes + 5});
  }
  for (const PageKind kind : {PageKind::kNode, PageKind::kUpper})
    kinds.push_back({"next of a page without chain", warning,
                     "a page without a chain names a next one", Having(kind),
                     [=](Patient* patient) {
                       patient->Put<uint32_t>(patient->First(kind),
                                              kPageSpecialOffset + offsetof(PageSpecial, next), 1);
                     }});
  kinds.push_back({"flags of the page", warning, "the page has unknown flags",
                   Having(PageKind::kNode), [](Patient* patient) {
                     patient->Put<uint8_t>(patient->First(PageKind::kNode),
                                           kPageSpecialOffset + offsetof(PageSpecial, flags), 0x80);
                   }});

  // A node's head.
  const PageKind node = PageKind::kNode;
  const PageKind upper = PageKind::kUpper;
  kinds.push_back(InHead<uint8_t>("flags cleared", error, "a node is not in use", node,
                                  offsetof(NodeHead, flags), 0));
  kinds.push_back(InHead<uint8_t>("unknown flags", error, "a node has unknown flags", node,
                                  offsetof(NodeHead, flags), 0x41));
  kinds.push_back(InHead<uint8_t>("marked emptied", error, "a node with rows is marked emptied",
                                  node, offsetof(NodeHead, flags), 3));
  kinds.push_back(InHead<uint8_t>("level", error, "a node's level is not one of its page", node,
                                  offsetof(NodeHead, level), 1));
  kinds.push_back(InHead<uint8_t>("level of an upper node", error,
                                  "a node's level is not one of its page", upper,
                                  offsetof(NodeHead, level), 0));
  kinds.push_back(InHead<uint32_t>("generation", error,
                                   "a node's generation is not one that its page has given", node,
                                   offsetof(NodeHead, generation), 1u << 20));
  kinds.push_back(InHead<uint32_t>("generation of zero", error,
                                   "a node's generation is not one that its page has given", upper,
                                   offsetof(NodeHead, generation), 0));
  kinds.push_back(InHead<uint8_t>("slot_count", warning,
                                  "a node has more neighbours than places for them", node,
                                  offsetof(NodeHead, slot_count), 255));
  kinds.push_back(InHead<uint8_t>("posting_count", error,
                                  "a node has more rows than places for them", node,
                                  offsetof(NodeHead, posting_count), 9));
  kinds.push_back(InHead<uint8_t>("rows of an upper node", error,
                                  "a node of an upper layer has rows", upper,
                                  offsetof(NodeHead, posting_count), 1));
  kinds.push_back(InHead<float>("vector_scale", error, "a vector's scale cannot be", node,
                                offsetof(NodeHead, vector_scale), 3.0f));
  kinds.push_back(InHead<float>("vector_scale no number", error, "a vector's scale cannot be", node,
                                offsetof(NodeHead, vector_scale), std::nanf("")));
  kinds.push_back(InHead<float>("f_scale", warning, "a scale of a node's edges cannot be", node,
                                offsetof(NodeHead, f_scale), -1.0f));
  kinds.push_back(InHead<float>("g_scale", warning, "a scale of a node's edges cannot be", node,
                                offsetof(NodeHead, g_scale), 0.0f));
  kinds.push_back({"posting_tail", error, "a node's chain of rows has only one end", Always,
                   [](Patient* patient) {
                     uint32_t slot;
                     const uint32_t block = patient->NodeWithPostings(&slot);
                     patient->Put<uint32_t>(block,
                                            patient->Head(offsetof(NodeHead, posting_tail), slot),
                                            QUIVER_INVALID_BLOCK);
                   }});
  kinds.push_back(InHead<uint32_t>("down of a bottom node", warning,
                                   "a node of the bottom layer points down", node,
                                   offsetof(NodeHead, down_number), 5));
  kinds.push_back(InHead<uint32_t>("down past the end", warning,
                                   "the node below is not one of this index", upper,
                                   offsetof(NodeHead, down_number), 1u << 30));
  kinds.push_back(InHead<uint16_t>("down to another generation", warning,
                                   "the node below is not there", upper,
                                   offsetof(NodeHead, down_generation), 3000));
  kinds.push_back(InHead<uint32_t>("chunk_head", error,
                                   "a node's chain of parts is not what its size asks for", node,
                                   offsetof(NodeHead, chunk_head), 1));
  kinds.back().applies = [](const Patient& patient) { return patient.layout().vector_at_home; };
  kinds.push_back(
      {"down to another vector", warning, "the node below is one of another vector", Having(upper),
       [](Patient* patient) {
         // To some other node of the bottom layer.
         const uint32_t block = patient->First(PageKind::kUpper);
         const uint32_t down =
             patient->Get<uint32_t>(block, patient->Head(offsetof(NodeHead, down_number)));
         const NodeLayout& layout = patient->layout();
         for (const uint32_t other : patient->index()->PagesOf(PageKind::kNode)) {
           const uint32_t number = layout.NumberOf(other, 0);
           if (number == down) continue;
           patient->Put<uint32_t>(block, patient->Head(offsetof(NodeHead, down_number)), number);
           patient->Put<uint16_t>(block, patient->Head(offsetof(NodeHead, down_generation)),
                                  PointerGeneration(patient->Get<uint32_t>(
                                      other, patient->Head(offsetof(NodeHead, generation)))));
           return;
         }
       }});

  // Vectors.
  const auto vector_of = [](Patient* patient, uint32_t* block) {
    const NodeLayout& layout = patient->layout();
    *block = patient->First(layout.vector_at_home ? PageKind::kNode : PageKind::kChunk);
    if (layout.vector_at_home) return layout.OffsetOf(0) + layout.vector_offset;
    while (patient->Get<uint16_t>(*block, kPageHeaderBytes + offsetof(ChunkHead, part)) != 0)
      ++*block;
    return kPageHeaderBytes + sizeof(ChunkHead);
  };
  kinds.push_back({"largest component", error, "a vector does not fit its scale",
                   [](const Patient& patient) {
                     return patient.layout().form == QUIVER_FORM_DENSE && !patient.layout().float32;
                   },
                   [=](Patient* patient) {
                     uint32_t block;
                     const size_t at = vector_of(patient, &block);
                     patient->Put<uint16_t>(block, at, F32ToF16(60000));
                   }});
  kinds.push_back(
      {"length under cosine", error, "a vector is not of unit length",
       [](const Patient& patient) { return patient.index_metric() == QUIVER_METRIC_COSINE; },
       [=](Patient* patient) {
         uint32_t block;
         const size_t at = vector_of(patient, &block);
         if (patient->layout().form == QUIVER_FORM_SPARSE) {
           const auto entries =
               patient->Get<uint16_t>(block, patient->Head(offsetof(NodeHead, entries)));
           patient->Put<float>(block, at + size_t{entries} * 4, 1.5f);
           return;
         }
         for (size_t i = 0; i < 40; i++) patient->Put<uint16_t>(block, at + 2 * i, F32ToF16(8192));
       }});
  kinds.push_back({"bits past the end", error, "a bit string has bits past its end",
                   [](const Patient& patient) {
                     return patient.layout().form == QUIVER_FORM_BITS &&
                            patient.layout().dim % 8 != 0;
                   },
                   [=](Patient* patient) {
                     uint32_t block;
                     const size_t at = vector_of(patient, &block);
                     patient->Flip<uint8_t>(block, at + patient->layout().vector_bytes - 1, 1);
                   }});
  kinds.push_back(
      {"sparse dimensions", error, "a sparse vector's dimensions do not ascend",
       [](const Patient& patient) { return patient.layout().form == QUIVER_FORM_SPARSE; },
       [=](Patient* patient) {
         uint32_t block;
         const size_t at = vector_of(patient, &block);
         patient->Put<uint32_t>(block, at, 2000000000);
       }});
  kinds.push_back(
      {"sparse entries", error, "a sparse vector has more entries than it may",
       [](const Patient& patient) { return patient.layout().form == QUIVER_FORM_SPARSE; },
       [](Patient* patient) {
         patient->Put<uint16_t>(patient->First(PageKind::kNode),
                                patient->Head(offsetof(NodeHead, entries)), 65535);
       }});
  kinds.push_back(
      {"rounding error", error, "a vector's rounding error cannot be",
       [](const Patient& patient) { return patient.layout().form != QUIVER_FORM_SPARSE; },
       [](Patient* patient) {
         patient->Put<uint16_t>(patient->First(PageKind::kNode),
                                patient->Head(offsetof(NodeHead, entries)), 0xFFFF);
       }});

  // Slots.
  const auto in_slot = [&](const char* name, const char* text,
                           std::function<bool(const Patient&)> applies,
                           std::function<void(Patient*, uint32_t)> damage) {
    for (const PageKind kind : {PageKind::kNode, PageKind::kUpper})
      kinds.push_back({name, warning, text,
                       [=](const Patient& patient) {
                         return patient.Has(kind) && applies(patient) &&
                                patient.Get<uint8_t>(patient.First(kind),
                                                     patient.Head(offsetof(NodeHead, slot_count))) >
                                    1;
                       },
                       [=](Patient* patient) { damage(patient, patient->First(kind)); }});
  };
  in_slot("number past the end", "a neighbour's number is not one of this index", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 0),
                                   0xFFFFFFF0);
          });
  in_slot("no number", "a neighbour's number is not one of this index", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 0),
                                   kInvalidNode);
          });
  in_slot("number on the meta page", "a neighbour's number is not one of this index", Always,
          [](Patient* patient, uint32_t block) {
            patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 0), 0);
          });
  in_slot("itself", "a node is its own neighbour", Always, [](Patient* patient, uint32_t block) {
    patient->Put<uint32_t>(block, patient->Slot(patient->layout().number_offset, 4, 1),
                           patient->layout().NumberOf(block, 0));
  });
  in_slot("twice", "a node has a neighbour twice", Always, [](Patient* patient, uint32_t block) {
    const NodeLayout& layout = patient->layout();
    patient->Put<uint32_t>(
        block, patient->Slot(layout.number_offset, 4, 1),
        patient->Get<uint32_t>(block, patient->Slot(layout.number_offset, 4, 0)));
    patient->Put<uint16_t>(
        block, patient->Slot(layout.generation_offset, 2, 1),
        patient->Get<uint16_t>(block, patient->Slot(layout.generation_offset, 2, 0)));
  });
  in_slot("another level", "a neighbour is on another level", Having(upper),
          [](Patient* patient, uint32_t block) {
            const NodeLayout& layout = patient->layout();
            const uint32_t other = patient->First(
                block == patient->First(PageKind::kUpper) ? PageKind::kNode : PageKind::kUpper);
            patient->Put<uint32_t>(block, patient->Slot(layout.number_offset, 4, 0),
                                   layout.NumberOf(other, 0));
            patient->Put<uint16_t>(block, patient->Slot(layout.generation_offset, 2, 0),
                                   PointerGeneration(patient->Get<uint32_t>(
                                       other, patient->Head(offsetof(NodeHead, generation)))));
          });
  in_slot(
      "code", "a slot's code is not that of its neighbour",
      [](const Patient& patient) {
        return patient.layout().codec == Codec::kEdge && patient.layout().codes_at_home > 0;
      },
      [](Patient* patient, uint32_t block) {
        patient->Flip<uint8_t>(block, patient->Slot(patient->layout().code_offset, 1, 2), 4);
      });
  in_slot(
      "bits", "a slot has other bits than its neighbour",
      [](const Patient& patient) { return patient.layout().codec == Codec::kBits; },
      [](Patient* patient, uint32_t block) {
        patient->Flip<uint8_t>(block, patient->Slot(patient->layout().code_offset, 1, 3), 16);
      });
  in_slot(
      "length", "a slot's length is not the distance of its neighbour",
      [](const Patient& patient) { return patient.layout().codec == Codec::kNone; },
      [](Patient* patient, uint32_t block) {
        const size_t at = patient->Slot(patient->layout().f_offset, 4, 0);
        patient->Put<float>(block, at, patient->Get<float>(block, at) * 1.01f + 0.01f);
      });
  for (const bool f : {true, false})
    in_slot(
        f ? "f" : "g", "a slot's terms are not those of its neighbour",
        [](const Patient& patient) { return patient.layout().codec == Codec::kEdge; },
        [f](Patient* patient, uint32_t block) {
          const NodeLayout& layout = patient->layout();
          patient->Flip<uint16_t>(block, patient->Slot(f ? layout.f_offset : layout.g_offset, 2, 0),
                                  0x0400);
        });

  // Rows.
  kinds.push_back({"address of a row", error, "a row has no address", Always, [](Patient* patient) {
                     patient->Put<uint16_t>(patient->First(PageKind::kNode),
                                            patient->Head(offsetof(NodeHead, postings) +
                                                          offsetof(PostingEntry, offset)),
                                            0);
                   }});
  kinds.push_back({"flags of a row", error, "a row has flags that it cannot have here", Always,
                   [](Patient* patient) {
                     patient->Put<uint16_t>(patient->First(PageKind::kPosting),
                                            kPageHeaderBytes + offsetof(PostingEntry, flags), 1);
                   }});
  kinds.push_back({"flags of a loose row", error, "a row has flags that it cannot have here",
                   Always, [](Patient* patient) {
                     patient->Put<uint16_t>(patient->First(PageKind::kLoose),
                                            kPageHeaderBytes + offsetof(PostingEntry, flags), 0);
                   }});
  kinds.push_back(
      {"row too many", error, "a row stands where a node has none", Always, [](Patient* patient) {
         const uint32_t block = patient->First(PageKind::kNode);
         patient->Put<uint8_t>(block, patient->Head(offsetof(NodeHead, posting_count)), 0);
       }});
  kinds.push_back({"list entry's scale", error, "a vector's scale cannot be",
                   Having(PageKind::kList), [](Patient* patient) {
                     patient->Put<float>(patient->First(PageKind::kList),
                                         kPageHeaderBytes + offsetof(ListEntry, scale), 0.3f);
                   }});
  kinds.push_back({"list entry's address", error, "a row has no address", Having(PageKind::kList),
                   [](Patient* patient) {
                     patient->Put<uint64_t>(patient->First(PageKind::kList),
                                            kPageHeaderBytes + offsetof(ListEntry, posting), 0);
                   }});

  // Chains.
  const size_t next = kPageSpecialOffset + offsetof(PageSpecial, next);
  for (const PageKind kind : {PageKind::kList, PageKind::kLoose}) {
    kinds.push_back(
        {"circle", error, "a chain of pages runs in a circle", Having(kind), [=](Patient* patient) {
           patient->Put<uint32_t>(patient->First(kind), next, patient->First(kind));
         }});
    kinds.push_back(
        {"chain leaves the file", error, "a chain of pages leaves the file", Having(kind),
         [=](Patient* patient) { patient->Put<uint32_t>(patient->First(kind), next, 1u << 25); }});
  }
  kinds.push_back({"chain to another kind", error,
                   "a page of the chain of rows without a distance is not one of them", Always,
                   [=](Patient* patient) {
                     patient->Put<uint32_t>(patient->First(PageKind::kLoose), next,
                                            patient->First(PageKind::kNode));
                   }});
  kinds.push_back({"posting chain goes back", error,
                   "a node's chain of rows leaves its order or the file", Always,
                   [=](Patient* patient) {
                     patient->Put<uint32_t>(patient->First(PageKind::kPosting), next,
                                            patient->First(PageKind::kPosting));
                   }});
  kinds.push_back({"posting chain to another kind", error,
                   "a page of a node's chain of rows is not one of them", Always,
                   [=](Patient* patient) {
                     const uint32_t block = patient->index()->file()->Extend();
                     patient->Put<uint32_t>(patient->First(PageKind::kPosting), next, block);
                   }});
  kinds.push_back(
      {"posting chain lost", error, "a page of rows belongs to nothing", Always,
       [](Patient* patient) {
         uint32_t slot;
         const uint32_t block = patient->NodeWithPostings(&slot);
         patient->Put<uint32_t>(block, patient->Head(offsetof(NodeHead, posting_head), slot),
                                QUIVER_INVALID_BLOCK);
         patient->Put<uint32_t>(block, patient->Head(offsetof(NodeHead, posting_tail), slot),
                                QUIVER_INVALID_BLOCK);
       }});
  kinds.push_back({"posting chain of another", error, "two nodes have one page of rows", Always,
                   [](Patient* patient) {
                     uint32_t slot;
                     const uint32_t block = patient->NodeWithPostings(&slot);
                     const auto page = patient->Get<uint32_t>(
                         block, patient->Head(offsetof(NodeHead, posting_head), slot));
                     const uint32_t other = patient->First(PageKind::kNode);
                     const uint32_t other_slot = other == block && slot == 0 ? 1 : 0;
                     for (const size_t end :
                          {offsetof(NodeHead, posting_head), offsetof(NodeHead, posting_tail)})
                       patient->Put<uint32_t>(other, patient->Head(end, other_slot), page);
                   }});
  kinds.back().applies = [](const Patient& patient) { return patient.layout().nodes_per_page > 1; };
  kinds.push_back(
      {"loose chain lost", error, "a page of rows belongs to nothing", Always,
       [](Patient* patient) {
         for (const size_t end : {offsetof(Partition, loose_head), offsetof(Partition, loose_tail)})
           patient->Put<uint32_t>(kMetaBlock, kPartitionAt + end, QUIVER_INVALID_BLOCK);
       }});
  for (const size_t field : {offsetof(ChunkHead, number), offsetof(ChunkHead, generation)})
    kinds.push_back(
        {"chunk of another node", error, "it is not the part of a node that it should be",
         Having(PageKind::kChunk), [=](Patient* patient) {
           patient->Flip<uint32_t>(patient->First(PageKind::kChunk), kPageHeaderBytes + field, 1);
         }});
  kinds.push_back({"chunk of another part", error, "it is not the part of a node that it should be",
                   Having(PageKind::kChunk), [](Patient* patient) {
                     patient->Flip<uint16_t>(patient->First(PageKind::kChunk),
                                             kPageHeaderBytes + offsetof(ChunkHead, part), 9);
                   }});
  kinds.push_back({"chunk chain too long", warning,
                   "a node's chain of parts goes on after the last one", Having(PageKind::kChunk),
                   [=](Patient* patient) {
                     for (const uint32_t block : patient->index()->PagesOf(PageKind::kChunk))
                       if (patient->Get<uint32_t>(block, next) == QUIVER_INVALID_BLOCK)
                         patient->Put<uint32_t>(block, next, 1);
                   }});

  // Meta page.
  const auto in_meta = [&](const char* name, QuiverSeverity severity, const char* text,
                           size_t field, auto value) {
    kinds.push_back({name, severity, text, Always,
                     [=](Patient* patient) { patient->Put(kMetaBlock, kMetaAt + field, value); }});
  };
  in_meta("magic of the meta page", error, "the meta page has another magic number",
          offsetof(MetaData, magic), uint32_t{1});
  in_meta("format", error, "unknown format version", offsetof(MetaData, format_version),
          uint32_t{99});
  in_meta("features", error, "unknown incompatible feature flags", offsetof(MetaData, incompatible),
          uint32_t{8});
  in_meta("features for writing", warning, "unknown feature flags allow reading only",
          offsetof(MetaData, read_compatible), uint32_t{8});
  in_meta("dimensions", error, "", offsetof(MetaData, dim), uint32_t{0});
  in_meta("rotation", error, "unknown rotation algorithm", offsetof(MetaData, rotation_algorithm),
          uint8_t{9});
  in_meta("reserved fields", warning, "reserved fields are in use", offsetof(MetaData, reserved),
          uint32_t{9});
  in_meta("list_pages", error, "", offsetof(MetaData, partition) + offsetof(Partition, list_pages),
          uint32_t{60000});
  in_meta("loose_tail", error, "a chain of pages does not end at its tail",
          offsetof(MetaData, partition) + offsetof(Partition, loose_tail), uint32_t{1});
  in_meta("entry point", error, "the entry point is not in use",
          offsetof(MetaData, partition) + offsetof(Partition, entry_number), uint32_t{3});
  in_meta("no entry point", error, "the graph has nodes and no entry point",
          offsetof(MetaData, partition) + offsetof(Partition, entry_number), kInvalidNode);
  in_meta("generation of the entry point", error, "the entry point is not in use",
          offsetof(MetaData, partition) + offsetof(Partition, entry_generation), uint16_t{777});
  in_meta("level of the entry point", error,
          "the entry point is on another level than the meta page says",
          offsetof(MetaData, partition) + offsetof(Partition, entry_level), uint8_t{9});
  in_meta("page with room", warning, "the page with room for upper nodes lies past the end",
          offsetof(MetaData, partition) + offsetof(Partition, upper_target), uint32_t{1u << 25});
  kinds.push_back({"another operator class", error, "the index was made for another operator class",
                   Always, [](Patient* patient) {
                     const auto metric =
                         patient->Get<uint8_t>(kMetaBlock, kMetaAt + offsetof(MetaData, metric));
                     const bool of_bits = metric >= QUIVER_METRIC_HAMMING;
                     patient->Put<uint8_t>(kMetaBlock, kMetaAt + offsetof(MetaData, metric),
                                           static_cast<uint8_t>(of_bits ? 11 - metric
                                                                : metric == QUIVER_METRIC_L2 ? 3
                                                                                             : 2));
                   }});
  kinds.back().applies = [](const Patient& patient) {
    return patient.index_metric() != QUIVER_METRIC_L1;
  };
  kinds.push_back({"centre", warning, "the centre has a component without value",
                   Having(PageKind::kCenter), [](Patient* patient) {
                     patient->Put<float>(patient->First(PageKind::kCenter), kPageHeaderBytes + 8,
                                         std::nanf(""));
                   }});
  kinds.push_back({"centre elsewhere", error, "the centre lies beyond the end of the file",
                   Having(PageKind::kCenter), [](Patient* patient) {
                     patient->Put<uint32_t>(kMetaBlock, kMetaAt + offsetof(MetaData, center_block),
                                            1u << 25);
                   }});
  return kinds;
}

class VerifyDamage : public ::testing::TestWithParam<QuiverIndexParams> {
 protected:
  static bool Found(const Verdict& verdict, QuiverSeverity severity, const std::string& text) {
    return std::any_of(
        verdict.findings.begin(), verdict.findings.end(), [&](const QuiverFinding& finding) {
          return finding.severity == severity && (text.empty() || text == finding.text);
        });
  }
};

TEST_P(VerifyDamage, EachKindIsSeen) {
  MemoryIndex sound = IndexOfAllPageKinds(GetParam());
  ExpectSound(&sound, "sound");
  size_t tried = 0;
  for (const DamageKind& kind : DamageKinds()) {
    Patient patient(sound);
    if (!kind.applies(patient)) continue;
    kind.damage(&patient);
    const Verdict verdict = patient.index()->Verify();
    EXPECT_TRUE(Found(verdict, kind.severity, kind.text))
        << kind.name << ", \"" << kind.text << "\": " << verdict.Complaints().substr(0, 500);
    EXPECT_FALSE(verdict.error.has_value()) << kind.name;
    // What costs recall alone is no error.
    if (kind.severity == QUIVER_SEVERITY_WARNING) {
      EXPECT_EQ(verdict.Count(QUIVER_SEVERITY_ERROR), 0u)
          << kind.name << ": " << verdict.Complaints().substr(0, 500);
    }
    tried++;
  }
  EXPECT_GT(tried, 60u);
}

// Links alone damaged: routes, not rows.
TEST_P(VerifyDamage, LinksAreWarnings) {
  const MemoryIndex sound = IndexOfAllPageKinds(GetParam());
  const NodeLayout& layout = sound.layout();
  for (uint64_t seed = 1; seed <= 5; seed++) {
    SplitMix64 random(seed);
    MemoryIndex index(sound);
    for (const PageKind kind : {PageKind::kNode, PageKind::kUpper}) {
      for (const uint32_t block : index.PagesOf(kind)) {
        const size_t first = layout.OffsetOf(0) + layout.number_offset;
        const size_t bytes =
            layout.code_offset + layout.codes_at_home * layout.code_bytes - layout.number_offset;
        const uint64_t noise = random.Next();
        index.file()->Overwrite(block, first + random.Next() % (bytes - 8), &noise, 8);
      }
    }
    const Verdict verdict = index.Verify();
    EXPECT_EQ(verdict.Count(QUIVER_SEVERITY_ERROR), 0u) << verdict.Complaints().substr(0, 500);
    EXPECT_GT(verdict.Count(QUIVER_SEVERITY_WARNING), 0u);
  }
}

// Lost nodes make pointers that lead nowhere: a figure, not a fault.
TEST_P(VerifyDamage, StalePointersAreCounted) {
  Patient patient(IndexOfAllPageKinds(GetParam()));
  const uint32_t block = patient.First(PageKind::kNode);
  const NodeLayout& layout = patient.layout();
  patient.Flip<uint16_t>(block, layout.OffsetOf(0) + layout.generation_offset, 0x1555);
  const Verdict verdict = patient.index()->Verify();
  EXPECT_EQ(verdict.Complaints(), "");
  EXPECT_EQ(verdict.Figure("links to nodes that are gone"), 1u);
}

TEST_P(VerifyDamage, ATruncatedFile) {
  const MemoryIndex sound = IndexOfAllPageKinds(GetParam());
  MemoryFile* whole = const_cast<MemoryIndex&>(sound).file();
  for (uint32_t keep : {1u, whole->block_count() / 2}) {
    MemoryIndex index(sound.params());
    while (index.file()->block_count() < keep) index.file()->Extend();
    for (uint32_t block = 0; block < keep; block++)
      index.file()->Overwrite(block, 0, whole->Copy(block).data(), kPageBytes);
    const Verdict verdict = index.Verify();
    EXPECT_FALSE(verdict.error.has_value());
    EXPECT_GT(verdict.Count(QUIVER_SEVERITY_ERROR), 0u) << keep;
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, VerifyDamage,
                         ::testing::Values(ParamsOf(60, QUIVER_METRIC_L2),
                                           ParamsOf(60, QUIVER_METRIC_COSINE),
                                           ParamsOf(5000, QUIVER_METRIC_L2, 8),
                                           ParamsOf(3000, QUIVER_METRIC_L1, 4),
                                           ParamsOf(700, QUIVER_METRIC_HAMMING, 8),
                                           ParamsOf(20001, QUIVER_METRIC_JACCARD, 4),
                                           SparseParamsOf(5000, QUIVER_METRIC_COSINE, 8)),
                         [](const ::testing::TestParamInfo<QuiverIndexParams>& info) {
                           std::string name = NameOf(info.param);
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace quiver::fakes
