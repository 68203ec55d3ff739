#include "page/meta.h"

#include "page/list_page.h"

namespace quiver {

namespace {

MetaFault Corrupted(const char* detail, uint64_t value = 0) {
  return {QUIVER_ERROR_CORRUPTED, detail, value};
}
MetaFault Unknown(const char* detail, uint64_t value) {
  return {QUIVER_ERROR_FORMAT, detail, value};
}

}  // namespace

MetaFault FindMetaFault(const uint8_t* page, NodeLayout* layout) {
  if (!IsPageOf(page, PageKind::kMeta)) return Corrupted("it is not a meta page");
  const MetaData* meta = Meta(page);
  if (meta->magic != kMetaMagic)
    return Corrupted("the meta page has another magic number", meta->magic);
  if (meta->format_version != kFormatVersion)
    return Unknown("unknown format version", meta->format_version);
  if ((meta->incompatible & ~kKnownIncompatible) != 0)
    return Unknown("unknown incompatible feature flags", meta->incompatible & ~kKnownIncompatible);
  if (meta->metric < QUIVER_METRIC_L2 || meta->metric > QUIVER_METRIC_JACCARD)
    return Corrupted("the metric is out of range", meta->metric);
  if (meta->posting_bytes != sizeof(PostingEntry))
    return Corrupted("the posting entry size is out of range", meta->posting_bytes);
  if (meta->float32 > 1) return Corrupted("the storage is out of range", meta->float32);
  if (meta->form > QUIVER_FORM_SPARSE) return Corrupted("the form is out of range", meta->form);
  if (meta->codec > static_cast<uint8_t>(Codec::kBits))
    return Corrupted("the codec is out of range", meta->codec);
  const LayoutChoice choice = {meta->dim,
                               static_cast<QuiverForm>(meta->form),
                               static_cast<Codec>(meta->codec),
                               meta->bits,
                               meta->slots,
                               meta->nodes_per_page,
                               meta->float32 == 1,
                               meta->sparse_bytes};
  const bool of_bits =
      meta->metric == QUIVER_METRIC_HAMMING || meta->metric == QUIVER_METRIC_JACCARD;
  const bool of_edges = meta->form == QUIVER_FORM_DENSE && meta->metric != QUIVER_METRIC_L1;
  if (of_bits != (meta->form == QUIVER_FORM_BITS) || of_edges != (choice.codec == Codec::kEdge) ||
      !MakeLayout(choice, layout))
    return Corrupted("dimensions, slots and nodes per page do not fit together", meta->dim);
  if (meta->list_limit < 1 || meta->list_limit > kMaxListLimit)
    return Corrupted("the list's limit is out of range", meta->list_limit);
  const Partition& partition = meta->partition;
  if (partition.list_head == kMetaBlock || partition.list_tail == kMetaBlock ||
      partition.loose_head == kMetaBlock || partition.loose_tail == kMetaBlock ||
      partition.upper_room == kMetaBlock || partition.node_room == kMetaBlock ||
      meta->center_block == kMetaBlock)
    return Corrupted("it points to itself");
  if ((partition.list_head == QUIVER_INVALID_BLOCK) !=
          (partition.list_tail == QUIVER_INVALID_BLOCK) ||
      (partition.loose_head == QUIVER_INVALID_BLOCK) !=
          (partition.loose_tail == QUIVER_INVALID_BLOCK))
    return Corrupted("a chain of pages has only one end");
  if (meta->partition.state > PartitionState::kGraph)
    return Corrupted("the partition's state is out of range",
                     static_cast<uint64_t>(meta->partition.state));
  // Where no list page has room for a vector, nothing may be written into one.
  if (!HasList(*layout) &&
      (partition.state != PartitionState::kGraph || partition.list_head != QUIVER_INVALID_BLOCK))
    return Corrupted("such an index has no list", static_cast<uint64_t>(partition.state));
  if (meta->partition.entry_number != kInvalidNode && meta->partition.entry_level > kMaxLevel)
    return Corrupted("the entry point's level is out of range", meta->partition.entry_level);
  return {};
}

void CheckMeta(const Store& store, const uint8_t* page, NodeLayout* layout) {
  const MetaFault fault = FindMetaFault(page, layout);
  if (fault.detail != nullptr) store.Fail(fault.code, kMetaBlock, -1, fault.detail, fault.value);
}

}  // namespace quiver
