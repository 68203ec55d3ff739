// Fuzzes the index file: the input says which bytes of a sound index to change,
// then searches, walks, inserts and vacuums.
//
// An input is a list of patches of 12 bytes: page (2), offset (2), 8 bytes to put
// there.  The first byte chooses the index.  Needs no corpus: an empty one grows
// from single patches; -max_len=400 keeps inputs to some thirty of them.
#include "fakes/damaged_index.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "page/page.h"

using quiver::fakes::IndexOfAllPageKinds;
using quiver::fakes::MemoryFile;
using quiver::fakes::MemoryIndex;
using quiver::fakes::ParamsOf;
using quiver::fakes::SparseParamsOf;
using quiver::fakes::UseDamaged;

namespace {

constexpr size_t kPatchBytes = 12;

const MemoryIndex& SoundIndex(size_t which) {
  static const MemoryIndex* const indexes[] = {
      new MemoryIndex(IndexOfAllPageKinds(ParamsOf(60, QUIVER_METRIC_L2))),
      new MemoryIndex(IndexOfAllPageKinds(ParamsOf(500, QUIVER_METRIC_COSINE))),
      new MemoryIndex(IndexOfAllPageKinds(ParamsOf(20, QUIVER_METRIC_IP))),
      new MemoryIndex(IndexOfAllPageKinds(ParamsOf(5000, QUIVER_METRIC_L2, 8))),
      new MemoryIndex(IndexOfAllPageKinds(ParamsOf(3000, QUIVER_METRIC_L1, 4))),
      new MemoryIndex(IndexOfAllPageKinds(ParamsOf(700, QUIVER_METRIC_HAMMING, 8))),
      new MemoryIndex(IndexOfAllPageKinds(ParamsOf(20000, QUIVER_METRIC_JACCARD, 4))),
      new MemoryIndex(IndexOfAllPageKinds(SparseParamsOf(5000, QUIVER_METRIC_COSINE, 8)))};
  return *indexes[which % std::size(indexes)];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 + kPatchBytes) return 0;
  const MemoryIndex& sound = SoundIndex(data[0]);
  MemoryIndex copy(sound);
  MemoryFile* file = copy.file();
  for (size_t at = 1; at + kPatchBytes <= size; at += kPatchBytes) {
    uint16_t page;
    uint16_t offset;
    memcpy(&page, data + at, 2);
    memcpy(&offset, data + at + 2, 2);
    file->Overwrite(page % file->block_count(), offset % (quiver::kPageBytes - 8), data + at + 4,
                    8);
  }
  const std::string wrong = UseDamaged(*file, sound.params(), 1);
  if (!wrong.empty()) {
    fprintf(stderr, "%s\n", wrong.c_str());
    abort();
  }
  return 0;
}
