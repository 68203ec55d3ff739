// The canonical form of a page: what changes it and what does not, byte by byte, for every kind of
// page, for pages of zeros and for damaged ones.
#include "page/canonical.h"

#include <gtest/gtest.h>

#include <string>

#include "page/hints.h"

namespace quiver {
namespace {

struct alignas(8) Bytes {
  uint8_t page[kPageBytes] = {};
};

std::string FormOf(const uint8_t* page) {
  uint8_t form[kMostCanonicalBytes];
  const size_t bytes = CanonicalForm(page, form);
  EXPECT_LE(bytes, kMostCanonicalBytes);
  return std::string(reinterpret_cast<const char*>(form), bytes);
}

// A page of `kind` with `data_bytes` of data, none of them zero.
Bytes MakePage(PageKind kind, size_t data_bytes) {
  Bytes bytes;
  InitPage(bytes.page, kind, data_bytes);
  for (size_t i = 0; i < data_bytes; i++)
    bytes.page[kPageHeaderBytes + i] = static_cast<uint8_t>(1 + i % 251);
  Special(bytes.page)->generation = 7;
  return bytes;
}

// True where the log does not carry the byte at `offset`.
bool MayDiffer(size_t offset, size_t lower) {
  return offset < offsetof(PageHeader, lower) ||
         (offset >= offsetof(PageHeader, prune_xid) && offset < kPageHeaderBytes) ||
         (offset >= lower && offset < kPageSpecialOffset);
}

TEST(Canonical, EachByteCountsThatTheLogCarriesAndNoOther) {
  for (int kind = static_cast<int>(PageKind::kMeta); kind <= static_cast<int>(PageKind::kChunk);
       kind++) {
    for (const size_t data_bytes : {size_t{0}, size_t{120}, size_t{8000}}) {
      Bytes bytes = MakePage(static_cast<PageKind>(kind), data_bytes);
      const std::string form = FormOf(bytes.page);
      EXPECT_EQ(form.size(), kCanonicalHeaderBytes + data_bytes + kPageSpecialBytes);
      for (size_t i = 0; i < kPageBytes; i++) {
        bytes.page[i] ^= 0x10;
        ASSERT_EQ(FormOf(bytes.page) == form, MayDiffer(i, kPageHeaderBytes + data_bytes))
            << "kind " << kind << ", " << data_bytes << " bytes, byte " << i;
        bytes.page[i] ^= 0x10;
      }
    }
  }
}

TEST(Canonical, HintsAndCountersDoNotCount) {
  Bytes bytes = MakePage(PageKind::kList, 400);
  const std::string form = FormOf(bytes.page);
  bytes.page[HintOffset(3)] |= HintMask(3);
  *PageAt<uint64_t>(bytes.page, kCounterOffset) = 99;
  EXPECT_TRUE(FormOf(bytes.page) == form);
}

// Data that end in zeros are not the hole.
TEST(Canonical, TheEndOfTheDataCounts) {
  Bytes bytes = MakePage(PageKind::kPosting, 24);
  const std::string form = FormOf(bytes.page);
  SetPageDataBytes(bytes.page, 32);
  EXPECT_FALSE(FormOf(bytes.page) == form);
}

TEST(Canonical, APageOfZerosHasNone) {
  Bytes bytes;
  EXPECT_EQ(FormOf(bytes.page), "");
}

// A page that looks new but is not all zero, and bounds that cannot be: behind the header every
// byte counts.
TEST(Canonical, OfADamagedPageEverythingCounts) {
  Bytes new_with_remains;
  new_with_remains.page[5000] = 1;
  Bytes bad_lower = MakePage(PageKind::kNode, 4000);
  PageAt<PageHeader>(bad_lower.page, 0)->lower = 65535;
  Bytes low_lower = MakePage(PageKind::kNode, 4000);
  PageAt<PageHeader>(low_lower.page, 0)->lower = 3;
  Bytes bad_magic = MakePage(PageKind::kNode, 4000);
  Special(bad_magic.page)->magic = 1;
  for (Bytes* bytes : {&new_with_remains, &bad_lower, &low_lower, &bad_magic}) {
    const std::string form = FormOf(bytes->page);
    EXPECT_EQ(form.size(), kMostCanonicalBytes);
    for (const size_t offset :
         {kPageHeaderBytes, size_t{4999}, kPageSpecialOffset - 1, kPageBytes - 1}) {
      bytes->page[offset] ^= 0x20;
      EXPECT_FALSE(FormOf(bytes->page) == form) << offset;
      bytes->page[offset] ^= 0x20;
    }
    bytes->page[0] ^= 0x20;
    EXPECT_TRUE(FormOf(bytes->page) == form);
    bytes->page[0] ^= 0x20;
  }
}

}  // namespace
}  // namespace quiver
