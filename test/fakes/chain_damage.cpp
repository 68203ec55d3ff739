#include <cmath>

#include "fakes/damage_kinds.h"
#include "page/chunk.h"
#include "page/list_page.h"

namespace quiver::fakes {

namespace {

constexpr size_t kMetaAt = kPageHeaderBytes;
constexpr size_t kFirstRow = kPageHeaderBytes + sizeof(PostingHead);
constexpr size_t kPartitionAt = kMetaAt + offsetof(MetaData, partition);

// Rows.
void AddRows(std::vector<DamageKind>* out) {
  std::vector<DamageKind>& kinds = *out;
  const QuiverSeverity error = QUIVER_SEVERITY_ERROR;
  kinds.push_back({"address of a row", error, "a row has no address", Always, [](Patient* patient) {
                     patient->Put<uint16_t>(patient->First(PageKind::kNode),
                                            patient->Head(offsetof(NodeHead, postings) +
                                                          offsetof(PostingEntry, offset)),
                                            0);
                   }});
  kinds.push_back({"flags of a row", error, "a row has flags that it cannot have here", Always,
                   [](Patient* patient) {
                     patient->Put<uint16_t>(patient->First(PageKind::kPosting),
                                            kFirstRow + offsetof(PostingEntry, flags), 1);
                   }});
  kinds.push_back({"flags of a loose row", error, "a row has flags that it cannot have here",
                   Always, [](Patient* patient) {
                     patient->Put<uint16_t>(patient->First(PageKind::kLoose),
                                            kFirstRow + offsetof(PostingEntry, flags), 0);
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
}

// Chains of pages.
void AddChains(std::vector<DamageKind>* out) {
  std::vector<DamageKind>& kinds = *out;
  const QuiverSeverity error = QUIVER_SEVERITY_ERROR;
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
  kinds.push_back(
      {"posting chain of another", error, "a page of a node's chain of rows is not one of them",
       Always, [](Patient* patient) {
         uint32_t slot;
         const uint32_t block = patient->NodeWithPostings(&slot);
         const auto page =
             patient->Get<uint32_t>(block, patient->Head(offsetof(NodeHead, posting_head), slot));
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
  for (const size_t field : {offsetof(PostingHead, number), offsetof(PostingHead, generation)})
    kinds.push_back({"owner of rows", error, "a page of a node's chain of rows is not one of them",
                     Always, [=](Patient* patient) {
                       patient->Flip<uint32_t>(patient->First(PageKind::kPosting),
                                               kPageHeaderBytes + field, 1);
                     }});
  kinds.push_back({"owner of loose rows", error, "a page of rows belongs to a node that cannot be",
                   Always, [](Patient* patient) {
                     patient->Put<uint32_t>(patient->First(PageKind::kLoose), kPageHeaderBytes, 7);
                   }});
  kinds.push_back({"page outside the chain of room", QUIVER_SEVERITY_WARNING,
                   "a page with room is not in the chain of those", Always, [](Patient* patient) {
                     patient->Flip<uint8_t>(patient->First(PageKind::kNode),
                                            kPageSpecialOffset + offsetof(PageSpecial, flags),
                                            kInRoomChain);
                   }});
  kinds.push_back(
      {"circle of room", QUIVER_SEVERITY_WARNING, "a chain of pages runs in a circle", Always,
       [](Patient* patient) {
         const uint32_t block = patient->First(PageKind::kNode);
         patient->Put<uint8_t>(block, kPageSpecialOffset + offsetof(PageSpecial, flags),
                               kInRoomChain);
         patient->Put<uint32_t>(block, kPageSpecialOffset + offsetof(PageSpecial, next), block);
         patient->Put<uint32_t>(kMetaBlock, kPartitionAt + offsetof(Partition, node_room), block);
       }});
  kinds.push_back({"no repair pending", QUIVER_SEVERITY_WARNING,
                   "nodes without rows wait for a repair that is not pending",
                   Having(PageKind::kUpper), [](Patient* patient) {
                     patient->Flip<uint8_t>(patient->First(PageKind::kUpper),
                                            patient->Head(offsetof(NodeHead, flags)), kNodeEmptied);
                   }});
}

// The meta page and the centre.
void AddMeta(std::vector<DamageKind>* out) {
  std::vector<DamageKind>& kinds = *out;
  const QuiverSeverity error = QUIVER_SEVERITY_ERROR;
  const QuiverSeverity warning = QUIVER_SEVERITY_WARNING;
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
  in_meta("repair_pending", warning, "whether a repair is pending is out of range",
          offsetof(MetaData, repair_pending), uint32_t{7});
  in_meta("list_pages", error, "", offsetof(MetaData, partition) + offsetof(Partition, list_pages),
          uint32_t{60000});
  in_meta("loose_tail", error, "a chain of pages does not end at its tail",
          offsetof(MetaData, partition) + offsetof(Partition, loose_tail), uint32_t{1u << 25});
  in_meta("entry point", error, "the entry point is not in use",
          offsetof(MetaData, partition) + offsetof(Partition, entry_number), uint32_t{3});
  in_meta("no entry point", warning, "the graph has nodes and no entry point",
          offsetof(MetaData, partition) + offsetof(Partition, entry_number), kInvalidNode);
  in_meta("generation of the entry point", error, "the entry point is not in use",
          offsetof(MetaData, partition) + offsetof(Partition, entry_generation), uint16_t{777});
  in_meta("level of the entry point", error,
          "the entry point is on another level than the meta page says",
          offsetof(MetaData, partition) + offsetof(Partition, entry_level), uint8_t{9});
  in_meta("page with room", warning, "a chain of pages leaves the file",
          offsetof(MetaData, partition) + offsetof(Partition, upper_room), uint32_t{1u << 25});
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
  kinds.push_back({"another page of the centre", warning, "a page of the centre belongs to nothing",
                   Always, [](Patient* patient) {
                     uint64_t page[kPageBytes / 8] = {};
                     auto* bytes = reinterpret_cast<uint8_t*>(page);
                     InitPage(bytes, PageKind::kCenter, sizeof(float));
                     patient->index()->file()->Extend(bytes);
                   }});
  kinds.push_back({"centre elsewhere", error, "the centre lies beyond the end of the file",
                   Having(PageKind::kCenter), [](Patient* patient) {
                     patient->Put<uint32_t>(kMetaBlock, kMetaAt + offsetof(MetaData, center_block),
                                            1u << 25);
                   }});
}

}  // namespace

void AddChainDamage(std::vector<DamageKind>* kinds) {
  AddRows(kinds);
  AddChains(kinds);
  AddMeta(kinds);
}

}  // namespace quiver::fakes
