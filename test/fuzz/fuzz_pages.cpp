// Fuzzes the decoding of pages and nodes: files made from nothing, whose meta page may
// say anything that makes a layout, and whose pages hold whatever the input says.
//
// fuzz_damaged_index changes a few bytes of eight sound indexes.  Here dimensions, slots,
// nodes a page and room for vectors are any that fit together, and nothing on the other
// pages needs to be sound but, mostly, the header, so that what lies behind is reached.
//
// An input is a choice of layout (16 bytes), what the partition says (8), and a page
// after the other: kind, flags, how its bytes are made, then some of them.  Where it
// ends, zeros follow.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/f16.h"
#include "base/random.h"
#include "fakes/damaged_index.h"
#include "page/chunk.h"
#include "page/list_page.h"
#include "page/meta.h"

using namespace quiver;
using namespace quiver::fakes;

namespace {

constexpr uint32_t kMostPages = 12;

class Input {
 public:
  Input(const uint8_t* data, size_t size) : at_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  void Take(void* to, size_t count) {
    const size_t there = std::min(count, left_);
    memcpy(to, at_, there);
    memset(static_cast<uint8_t*>(to) + there, 0, count - there);
    at_ += there;
    left_ -= there;
  }
  template <class T>
  T Take() {
    T value;
    Take(&value, sizeof value);
    return value;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

// A page number near the file's, or any.
uint32_t TakeBlock(Input* input) {
  const auto byte = input->Take<uint8_t>();
  if (byte < 4 * kMostPages) return byte / 4;
  return byte < 128 ? QUIVER_INVALID_BLOCK : input->Take<uint32_t>();
}

// What a meta page may say; false where it makes no layout.
bool TakeLayout(Input* input, MetaData* meta, NodeLayout* layout) {
  const auto choice = input->Take<uint8_t>();
  meta->metric = static_cast<uint8_t>(1 + choice / 8 % 6);
  const bool of_bits = meta->metric >= QUIVER_METRIC_HAMMING;
  meta->form = of_bits           ? QUIVER_FORM_BITS
               : choice % 2 == 0 ? QUIVER_FORM_DENSE
                                 : QUIVER_FORM_SPARSE;
  meta->dim = input->Take<uint16_t>();
  if (choice % 4 == 3) meta->dim = input->Take<uint32_t>();
  meta->float32 = input->Take<uint8_t>() % 2;
  meta->bits = input->Take<uint8_t>() % 9;
  meta->slots = input->Take<uint8_t>();
  meta->nodes_per_page = input->Take<uint8_t>();
  meta->codec = input->Take<uint8_t>() % 3;
  meta->sparse_bytes = input->Take<uint16_t>();
  const LayoutChoice given = {meta->dim,
                              static_cast<QuiverForm>(meta->form),
                              static_cast<Codec>(meta->codec),
                              meta->bits,
                              meta->slots,
                              meta->nodes_per_page,
                              meta->float32 == 1,
                              meta->sparse_bytes};
  if ((choice & 4) == 0 && MakeLayout(given, layout)) return true;
  // The one that a build would choose.
  QuiverIndexParams params =
      meta->form == QUIVER_FORM_SPARSE
          ? SparseParamsOf(meta->dim, static_cast<QuiverMetric>(meta->metric), 2 + meta->slots % 99)
          : ParamsOf(meta->dim, static_cast<QuiverMetric>(meta->metric), 2 + meta->slots % 99);
  if (!ChooseLayout(params, meta->form == QUIVER_FORM_SPARSE ? meta->sparse_bytes : 0, layout))
    return false;
  meta->float32 = layout->float32 ? 1 : 0;
  meta->bits = static_cast<uint8_t>(layout->bits);
  meta->slots = static_cast<uint16_t>(layout->slots);
  meta->nodes_per_page = static_cast<uint16_t>(layout->nodes_per_page);
  meta->codec = static_cast<uint8_t>(layout->codec);
  if (meta->form != QUIVER_FORM_SPARSE) meta->sparse_bytes = 0;
  return true;
}

void TakePartition(Input* input, Partition* partition) {
  *partition = {};
  partition->list_head = TakeBlock(input);
  partition->list_tail = TakeBlock(input);
  partition->list_pages = input->Take<uint8_t>();
  partition->loose_head = TakeBlock(input);
  partition->loose_tail = TakeBlock(input);
  partition->entry_number = input->Take<uint8_t>();
  partition->entry_generation = input->Take<uint8_t>() % 8;
  partition->entry_level = input->Take<uint8_t>() % 16;
  partition->state = static_cast<PartitionState>(input->Take<uint8_t>() % 3);
  partition->upper_room = TakeBlock(input);
  partition->node_room = TakeBlock(input);
}

// A node that might be one.
void TakeNode(Input* input, uint8_t* page, const NodeLayout& layout, uint32_t slot,
              SplitMix64* noise) {
  const Node node(page, layout, slot);
  const auto shape = input->Take<uint8_t>();
  if (shape % 8 == 0) return;
  NodeHead& head = node.head();
  head.generation = 1 + slot + shape / 128;
  head.level = Special(page)->kind == PageKind::kUpper ? 1 + shape / 64 % 2 : 0;
  head.flags = shape % 8 == 7 ? 3 : 1;
  head.slot_count = input->Take<uint8_t>();
  head.posting_count = input->Take<uint8_t>() % 4;
  head.vector_scale = 1;
  head.f_scale = 1;
  head.g_scale = 1;
  head.posting_head = TakeBlock(input);
  head.posting_tail = TakeBlock(input);
  head.down_number = input->Take<uint8_t>();
  head.down_generation = input->Take<uint8_t>() % 8;
  head.entries = input->Take<uint8_t>();
  head.chunk_head = TakeBlock(input);
  for (uint32_t i = 0; i < kInlinePostings; i++)
    head.postings[i] = PostingEntry::Make({slot, static_cast<uint16_t>(1 + i)});
  for (uint32_t i = 0; i < node.slot_count(); i++) {
    node.numbers()[i] = static_cast<uint32_t>(noise->Next() % (kMostPages * layout.nodes_per_page));
    node.generations()[i] = static_cast<uint16_t>(1 + noise->Next() % 4);
  }
  if (!node.vector_at_home()) return;
  // Within the page, and of numbers that are some.
  const size_t end = layout.OffsetOf(slot) + layout.node_bytes;
  const size_t first = layout.OffsetOf(slot) + layout.vector_offset;
  for (size_t at = first; at + 2 <= std::min<size_t>(end, first + node.vector_bytes()); at += 2)
    *PageAt<uint16_t>(page, at) = F32ToF16(static_cast<float>(noise->Next() % 64) - 32);
}

void TakeContent(Input* input, uint8_t* page, const NodeLayout& layout, PageKind kind) {
  SplitMix64 noise(input->Take<uint8_t>());
  auto* header = PageAt<PageHeader>(page, 0);
  const auto count = input->Take<uint8_t>();
  switch (kind) {
    case PageKind::kNode:
    case PageKind::kUpper:
      SetPageDataBytes(page, NodePageBytes(layout));
      Special(page)->generation = layout.nodes_per_page + 1;
      for (uint32_t slot = 0; slot < layout.nodes_per_page; slot++)
        TakeNode(input, page, layout, slot, &noise);
      break;
    case PageKind::kList:
      if (!HasList(layout)) break;
      SetListCount(page, layout, std::min<size_t>(count, ListEntriesPerPage(layout)));
      for (size_t i = 0; i < ListCount(page, layout); i++)
        ListAt(page, layout, i)->posting =
            PostingEntry::Make({static_cast<uint32_t>(i), static_cast<uint16_t>(1 + count)});
      break;
    case PageKind::kPosting:
    case PageKind::kLoose:
      InitPostingPage(page, kind, kind == PageKind::kLoose ? 0 : input->Take<uint8_t>(),
                      kind == PageKind::kLoose ? 0 : 1 + input->Take<uint8_t>() % 4);
      for (uint32_t i = 0; i < count; i++)
        AppendPosting(page, PostingEntry::Make({i, 3}, kind == PageKind::kLoose ? 1 : 0));
      break;
    case PageKind::kChunk:
      SetPageDataBytes(page, sizeof(ChunkHead) + std::min<size_t>(kChunkBytes, size_t{count} * 32));
      *Chunk(page) = {input->Take<uint8_t>(), 1u + input->Take<uint8_t>() % 4,
                      static_cast<uint16_t>(input->Take<uint8_t>() % 8), 0, 0};
      break;
    case PageKind::kCenter:
      SetPageDataBytes(page, std::min<size_t>(kCenterPerPage, layout.dim) * sizeof(float));
      break;
    case PageKind::kMeta:
    case PageKind::kFree:
      break;
  }
  // Then anything anywhere.
  for (uint32_t patches = input->Take<uint8_t>() % 8; patches > 0; patches--) {
    const size_t offset = input->Take<uint16_t>() % (kPageBytes - 8);
    input->Take(page + offset, 1 + input->Take<uint8_t>() % 8);
  }
  // PostgreSQL lets no page in whose bounds cross.
  if (header->lower > header->upper || header->upper > header->special)
    header->lower = header->upper;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  MetaData meta = {};
  NodeLayout layout;
  if (!TakeLayout(&input, &meta, &layout)) return 0;
  meta.magic = kMetaMagic;
  meta.format_version = kFormatVersion;
  meta.rotation_algorithm = 1;
  meta.posting_bytes = sizeof(PostingEntry);
  meta.center_block = TakeBlock(&input);
  meta.list_limit = 1 + input.Take<uint8_t>() % 4;
  meta.repair_pending = input.Take<uint8_t>() % 2;
  TakePartition(&input, &meta.partition);

  MemoryFile file;
  alignas(8) uint8_t page[kPageBytes] = {};
  InitPage(page, PageKind::kMeta, sizeof(MetaData));
  *Meta(page) = meta;
  file.Extend(page);
  while (!input.empty() && file.block_count() < kMostPages) {
    const auto kind = input.Take<uint8_t>() % 10;
    memset(page, 0, sizeof page);
    if (kind != 0) {
      InitPage(page, static_cast<PageKind>(kind), 0);
      Special(page)->flags = input.Take<uint8_t>() % 2;
      Special(page)->next = TakeBlock(&input);
      TakeContent(&input, page, layout, static_cast<PageKind>(kind));
    }
    file.Extend(page);
  }

  const QuiverIndexParams params =
      meta.form == QUIVER_FORM_SPARSE
          ? SparseParamsOf(meta.dim, static_cast<QuiverMetric>(meta.metric))
          : ParamsOf(meta.dim, static_cast<QuiverMetric>(meta.metric));
  const std::string wrong = UseDamaged(file, params, 1);
  if (!wrong.empty()) {
    fprintf(stderr, "%s\n", wrong.c_str());
    abort();
  }
  return 0;
}
