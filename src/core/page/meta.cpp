#include "page/meta.h"

#include "page/list_page.h"

namespace quiver {

void CheckMeta(const Store& store, const uint8_t* page, NodeLayout* layout) {
  if (!IsPageOf(page, PageKind::kMeta)) store.Corrupted(kMetaBlock, "it is not a meta page");
  const MetaData* meta = Meta(page);
  if (meta->magic != kMetaMagic)
    store.Corrupted(kMetaBlock, "the meta page has another magic number", meta->magic);
  if (meta->format_version != kFormatVersion)
    store.Fail(QUIVER_ERROR_FORMAT, kMetaBlock, -1, "unknown format version", meta->format_version);
  if ((meta->incompatible & ~kKnownIncompatible) != 0)
    store.Fail(QUIVER_ERROR_FORMAT, kMetaBlock, -1, "unknown incompatible feature flags",
               meta->incompatible & ~kKnownIncompatible);
  if (meta->metric < QUIVER_METRIC_L2 || meta->metric > QUIVER_METRIC_JACCARD)
    store.Corrupted(kMetaBlock, "the metric is out of range", meta->metric);
  if (meta->posting_bytes != sizeof(PostingEntry))
    store.Corrupted(kMetaBlock, "the posting entry size is out of range", meta->posting_bytes);
  if (meta->float32 > 1) store.Corrupted(kMetaBlock, "the storage is out of range", meta->float32);
  if (meta->form > QUIVER_FORM_SPARSE)
    store.Corrupted(kMetaBlock, "the form is out of range", meta->form);
  if (meta->codec > static_cast<uint8_t>(Codec::kBits))
    store.Corrupted(kMetaBlock, "the codec is out of range", meta->codec);
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
    store.Corrupted(kMetaBlock, "dimensions, slots and nodes per page do not fit together",
                    meta->dim);
  if (meta->list_limit < 1 || meta->list_limit > kMaxListLimit)
    store.Corrupted(kMetaBlock, "the list's limit is out of range", meta->list_limit);
  const Partition& partition = meta->partition;
  if (partition.list_head == kMetaBlock || partition.list_tail == kMetaBlock ||
      partition.loose_head == kMetaBlock || partition.loose_tail == kMetaBlock ||
      partition.upper_room == kMetaBlock || partition.node_room == kMetaBlock ||
      meta->center_block == kMetaBlock)
    store.Corrupted(kMetaBlock, "it points to itself");
  if ((partition.list_head == QUIVER_INVALID_BLOCK) !=
          (partition.list_tail == QUIVER_INVALID_BLOCK) ||
      (partition.loose_head == QUIVER_INVALID_BLOCK) !=
          (partition.loose_tail == QUIVER_INVALID_BLOCK))
    store.Corrupted(kMetaBlock, "a chain of pages has only one end");
  if (meta->partition.state > PartitionState::kGraph)
    store.Corrupted(kMetaBlock, "the partition's state is out of range",
                    static_cast<uint64_t>(meta->partition.state));
  // Where no list page has room for a vector, nothing may be written into one.
  if (!HasList(*layout) &&
      (partition.state != PartitionState::kGraph || partition.list_head != QUIVER_INVALID_BLOCK))
    store.Corrupted(kMetaBlock, "such an index has no list",
                    static_cast<uint64_t>(partition.state));
  if (meta->partition.entry_number != kInvalidNode && meta->partition.entry_level > kMaxLevel)
    store.Corrupted(kMetaBlock, "the entry point's level is out of range",
                    meta->partition.entry_level);
}

}  // namespace quiver
