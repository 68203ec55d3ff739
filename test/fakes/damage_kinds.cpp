#include "fakes/damage_kinds.h"

#include <cmath>

#include "base/f16.h"
#include "page/chunk.h"

namespace quiver::fakes {

namespace {

template <class T>
DamageKind InHead(const char* name, QuiverSeverity severity, const char* text, PageKind kind,
                  size_t field, T value) {
  return {name, severity, text, Having(kind), [=](Patient* patient) {
            patient->Put<T>(patient->First(kind), patient->Head(field), value);
          }};
}

// Page header and special space of each kind of page.
void AddPages(std::vector<DamageKind>* out) {
  std::vector<DamageKind>& kinds = *out;
  const QuiverSeverity error = QUIVER_SEVERITY_ERROR;
  const QuiverSeverity warning = QUIVER_SEVERITY_WARNING;
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
  for (const PageKind kind : {PageKind::kNode, PageKind::kCenter})
    kinds.push_back({"next of a page without chain", warning,
                     "a page without a chain names a next one", Having(kind),
                     [=](Patient* patient) {
                       patient->Put<uint32_t>(patient->First(kind),
                                              kPageSpecialOffset + offsetof(PageSpecial, next), 1);
                     }});
  kinds.push_back(
      {"flags of the page header", warning, "fields of the page header that must be 0 are in use",
       Having(PageKind::kNode), [](Patient* patient) {
         patient->Put<uint16_t>(patient->First(PageKind::kNode), offsetof(PageHeader, flags), 4);
       }});
  // By one on the first page of nodes, which has no free place; by more on the other.
  for (const PageKind kind : {PageKind::kNode, PageKind::kUpper})
    kinds.push_back({"counter of the page", warning,
                     "the page's counter is not the generation of its newest node", Having(kind),
                     [=](Patient* patient) {
                       const size_t at = kPageSpecialOffset + offsetof(PageSpecial, generation);
                       const uint32_t block = patient->First(kind);
                       patient->Put<uint32_t>(
                           block, at,
                           patient->Get<uint32_t>(block, at) + (kind == PageKind::kNode ? 1 : 256));
                     }});
  for (const PageKind kind : {PageKind::kMeta, PageKind::kCenter, PageKind::kList})
    kinds.push_back(
        {"counter of a page without nodes", warning,
         "a page that never had nodes has given a generation", Having(kind), [=](Patient* patient) {
           patient->Put<uint32_t>(patient->First(kind),
                                  kPageSpecialOffset + offsetof(PageSpecial, generation), 1);
         }});
  kinds.push_back({"flags of the page", warning, "the page has unknown flags",
                   Having(PageKind::kNode), [](Patient* patient) {
                     patient->Put<uint8_t>(patient->First(PageKind::kNode),
                                           kPageSpecialOffset + offsetof(PageSpecial, flags), 0x80);
                   }});
}

// A node's head.
void AddHeads(std::vector<DamageKind>* out) {
  std::vector<DamageKind>& kinds = *out;
  const QuiverSeverity error = QUIVER_SEVERITY_ERROR;
  const QuiverSeverity warning = QUIVER_SEVERITY_WARNING;
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
  kinds.push_back(InHead<uint16_t>("row of an upper node", error,
                                   "a node of an upper layer has rows", upper,
                                   offsetof(NodeHead, postings) + 4, 1));
  kinds.push_back(
      InHead<uint16_t>("down_generation", warning,
                       "the generation of the node below is none that its page has given", upper,
                       offsetof(NodeHead, down_generation), 0x1555));
  kinds.push_back(
      {"down_generation of another place", warning,
       "the generation of the node below is that of another place",
       [](const Patient& patient) {
         return patient.Has(PageKind::kUpper) && patient.layout().nodes_per_page > 1;
       },
       [](Patient* patient) {
         const NodeLayout& layout = patient->layout();
         const uint32_t block = patient->First(PageKind::kUpper);
         const auto down =
             patient->Get<uint32_t>(block, patient->Head(offsetof(NodeHead, down_number)));
         const uint32_t other = layout.SlotOf(down) == 0 ? 1 : 0;
         patient->Put<uint16_t>(
             block, patient->Head(offsetof(NodeHead, down_generation)),
             PointerGeneration(patient->Get<uint32_t>(
                 layout.BlockOf(down), patient->Head(offsetof(NodeHead, generation), other))));
       }});
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
}

// Vectors.
void AddVectors(std::vector<DamageKind>* out) {
  std::vector<DamageKind>& kinds = *out;
  const QuiverSeverity error = QUIVER_SEVERITY_ERROR;
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
}

}  // namespace

std::vector<DamageKind> DamageKinds() {
  std::vector<DamageKind> kinds;
  AddPages(&kinds);
  AddHeads(&kinds);
  AddVectors(&kinds);
  AddLinkDamage(&kinds);
  AddChainDamage(&kinds);
  return kinds;
}

}  // namespace quiver::fakes
