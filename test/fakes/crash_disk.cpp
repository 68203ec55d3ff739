#include "fakes/crash_disk.h"

#include <algorithm>
#include <cstring>

#include "page/page.h"

namespace quiver::fakes {

namespace {

constexpr size_t kSectorBytes = 512;
constexpr size_t kSectors = QUIVER_BLOCK_SIZE / kSectorBytes;
// Differences so close become one fragment, as a fragment's own head costs as much.
constexpr size_t kFragmentHead = 2 * sizeof(uint16_t);

using Page = CrashDisk::Page;
using PagePointer = CrashDisk::PagePointer;

const PagePointer& ZeroPage() {
  static const PagePointer zero = std::make_shared<const Page>();
  return zero;
}

uint64_t LsnOf(const Page& page) {
  uint64_t lsn;
  memcpy(&lsn, page.data(), sizeof lsn);
  return lsn;
}
void SetLsn(Page* page, uint64_t lsn) {
  memcpy(page->data(), &lsn, sizeof lsn);
}

struct Hole {
  size_t begin;
  size_t end;
};
// Empty on a page of zeros.
Hole HoleOf(const Page& page) {
  const auto* header = PageAt<PageHeader>(page.data(), 0);
  return {header->lower, header->upper};
}
bool HasSoundHole(const Page& page) {
  const Hole hole = HoleOf(page);
  return hole.begin >= kPageHeaderBytes && hole.begin <= hole.end && hole.end <= kPageBytes;
}

void ZeroHole(Page* page) {
  const Hole hole = HoleOf(*page);
  memset(page->data() + hole.begin, 0, hole.end - hole.begin);
}

std::vector<uint8_t> WithoutHole(const Page& page) {
  const Hole hole = HoleOf(page);
  std::vector<uint8_t> bytes(page.begin(), page.begin() + static_cast<ptrdiff_t>(hole.begin));
  bytes.insert(bytes.end(), page.begin() + static_cast<ptrdiff_t>(hole.end), page.end());
  return bytes;
}

// The hole's bounds are among the bytes.
Page WithHole(const std::vector<uint8_t>& bytes) {
  Page page = {};
  memcpy(page.data(), bytes.data(), kPageHeaderBytes);
  const Hole hole = HoleOf(page);
  memcpy(page.data(), bytes.data(), hole.begin);
  memcpy(page.data() + hole.end, bytes.data() + hole.begin, kPageBytes - hole.end);
  return page;
}

void AddFragment(const Page& page, size_t begin, size_t end, std::vector<uint8_t>* delta) {
  const uint16_t head[] = {static_cast<uint16_t>(begin), static_cast<uint16_t>(end - begin)};
  const auto* bytes = reinterpret_cast<const uint8_t*>(head);
  delta->insert(delta->end(), bytes, bytes + sizeof head);
  delta->insert(delta->end(), page.begin() + static_cast<ptrdiff_t>(begin),
                page.begin() + static_cast<ptrdiff_t>(end));
}

// What of the new page's data differs; what the old page had in its hole counts as
// different, since nobody else may have it there.
std::vector<uint8_t> DeltaOf(const Page& before, const Page& after) {
  std::vector<uint8_t> delta;
  const Hole old_hole = HoleOf(before);
  const Hole hole = HoleOf(after);
  const auto differs = [&](size_t i) {
    return before[i] != after[i] || (i >= old_hole.begin && i < old_hole.end);
  };
  for (const auto& [first, last] : {std::pair<size_t, size_t>{sizeof(uint64_t), hole.begin},
                                    std::pair<size_t, size_t>{hole.end, kPageBytes}}) {
    for (size_t i = first; i < last;) {
      if (!differs(i)) {
        i++;
        continue;
      }
      size_t end = i + 1;
      for (size_t j = end; j < last && j < end + kFragmentHead; j++)
        if (differs(j)) end = j + 1;
      AddFragment(after, i, end, &delta);
      i = end;
    }
  }
  return delta;
}

void ApplyDelta(const std::vector<uint8_t>& delta, Page* page) {
  for (size_t at = 0; at < delta.size();) {
    uint16_t head[2];
    memcpy(head, delta.data() + at, sizeof head);
    at += sizeof head;
    memcpy(page->data() + head[0], delta.data() + at, head[1]);
    at += head[1];
  }
}

}  // namespace

const char* NameOf(CrashKind kind) {
  switch (kind) {
    case CrashKind::kWhole:
      return "whole pages";
    case CrashKind::kTorn:
      return "torn pages";
    case CrashKind::kTwice:
      break;
  }
  return "torn pages, twice";
}

CrashDisk::CrashDisk(MemoryFile* file, uint64_t seed, const Options& options)
    : file_(file), options_(options), random_(seed) {
  FollowLength();
  // A build: log_newpage_range, or the file is synced.
  for (uint32_t block = 0; block < buffers_.size(); block++) {
    auto page = std::make_shared<Page>();
    memcpy(page->data(), file_->Copy(block).data(), kPageBytes);
    if (options_.synced_start) {
      buffers_[block] = disk_[block] = synced_[block] = page;
      continue;
    }
    SetLsn(page.get(), ++last_);
    log_.push_back({{block, true, WithoutHole(*page)}});
    buffers_[block] = page;
  }
  file_->set_log(this);
}

CrashDisk::~CrashDisk() {
  file_->set_log(nullptr);
}

// Pages that have been added since.
void CrashDisk::FollowLength() {
  for (size_t block = buffers_.size(); block < file_->block_count(); block++) {
    buffers_.push_back(ZeroPage());
    disk_.push_back(ZeroPage());
    synced_.push_back(nullptr);
  }
}

void CrashDisk::BeforeRecord() {
  FollowLength();
  if (crash_point_) crash_point_();
}

void CrashDisk::Record(const std::vector<RecordPage>& pages) {
  std::vector<PagePointer> before;
  last_sort_ = 0;
  for (const RecordPage& page : pages) {
    before.push_back(buffers_[page.block]);
    auto after = std::make_shared<Page>();
    memcpy(after->data(), file_->Copy(page.block).data(), kPageBytes);
    SetLsn(after.get(), last_ + 1);
    buffers_[page.block] = after;
    const auto kind_of = [](const Page& of) {
      return static_cast<uint64_t>(Special(of.data())->kind);
    };
    last_sort_ = last_sort_ << 8 | kind_of(*before.back()) << 4 | kind_of(*after);
  }
  Log(pages, before);
  Pass();
}

bool CrashDisk::Hints(uint32_t block) {
  FollowLength();
  const PagePointer before = buffers_[block];
  auto after = std::make_shared<Page>();
  memcpy(after->data(), file_->Copy(block).data(), kPageBytes);
  const bool log = options_.log_hints && LsnOf(*before) <= image_until_;
  if (log && crash_point_) crash_point_();
  SetLsn(after.get(), log ? last_ + 1 : LsnOf(*before));
  buffers_[block] = after;
  if (log) Log({{block, true}}, {before});
  Pass();
  return log;
}

void CrashDisk::Log(const std::vector<RecordPage>& pages, const std::vector<PagePointer>& before) {
  LogRecord record;
  for (size_t i = 0; i < pages.size(); i++) {
    const Page& after = *buffers_[pages[i].block];
    const bool image =
        pages[i].fresh || (options_.page_images && LsnOf(*before[i]) <= image_until_);
    record.push_back(
        {pages[i].block, image, image ? WithoutHole(after) : DeltaOf(*before[i], after)});
  }
  log_.push_back(std::move(record));
  last_++;
}

// Time passes: pages are written, checkpoints go on.
void CrashDisk::Pass() {
  if (random_.Next() % 3 == 0) {
    for (int i = 0; i < 3; i++) Write(static_cast<uint32_t>(random_.Next() % buffers_.size()));
  }
  if (!in_checkpoint_) {
    if (random_.Next() % options_.checkpoint_in != 0) return;
    in_checkpoint_ = true;
    image_until_ = last_;
    to_write_.clear();
    for (uint32_t block = 0; block < buffers_.size(); block++)
      if (buffers_[block] != disk_[block]) to_write_.push_back(block);
    return;
  }
  for (uint64_t i = random_.Next() % 12; i-- > 0 && !to_write_.empty(); to_write_.pop_back())
    Write(to_write_.back());
  if (!to_write_.empty()) return;
  synced_ = disk_;
  in_checkpoint_ = false;
  log_.erase(log_.begin(), log_.begin() + static_cast<ptrdiff_t>(image_until_ - redo_));
  redo_ = image_until_;
  counts_[kCheckpoints]++;
}

// One of the versions, or with luck several.
PagePointer CrashDisk::Mix(std::initializer_list<PagePointer> versions, bool torn,
                           SplitMix64* random) {
  const PagePointer* all = versions.begin();
  const uint64_t dice = random->Next();
  const PagePointer& one = all[dice % versions.size()];
  bool same = true;
  for (const PagePointer& version : versions) same &= version == one;
  if (same || !torn || (dice >> 32) % 2 == 0) return one;
  auto mix = std::make_shared<Page>();
  for (size_t sector = 0; sector < kSectors; sector++) {
    const PagePointer& from = all[random->Next() % versions.size()];
    memcpy(mix->data() + sector * kSectorBytes,
           (from == nullptr ? *ZeroPage() : *from).data() + sector * kSectorBytes, kSectorBytes);
  }
  counts_[kTornPages]++;
  return mix;
}

CrashDisk::Pages CrashDisk::Surviving(bool torn, SplitMix64* random) {
  FollowLength();
  Pages pages(buffers_.size());
  for (size_t block = 0; block < buffers_.size(); block++) {
    pages[block] = Mix({synced_[block], disk_[block], buffers_[block]}, torn, random);
    if (pages[block] != buffers_[block]) counts_[kNotInBuffer]++;
  }
  while (!pages.empty() && pages.back() == nullptr) pages.pop_back();
  if (pages.size() < buffers_.size()) counts_[kShorter]++;
  for (PagePointer& page : pages)
    if (page == nullptr) page = ZeroPage();
  return pages;
}

// generic_redo.
bool CrashDisk::Replay(const LogRecord& record, uint64_t lsn, Pages* pages, std::string* failure) {
  for (const LoggedPage& logged : record) {
    const std::string where =
        "record " + std::to_string(lsn) + ", block " + std::to_string(logged.block);
    if (logged.image) {
      while (pages->size() <= logged.block) pages->push_back(ZeroPage());
      PagePointer& page = (*pages)[logged.block];
      auto restored = std::make_shared<Page>(WithHole(logged.bytes));
      SetLsn(restored.get(), lsn);
      counts_[kImages]++;
      if (LsnOf(*page) > lsn) counts_[kOlderImages]++;
      page = restored;
      continue;
    }
    if (logged.block >= pages->size() || IsNewPage((*pages)[logged.block]->data())) {
      *failure = where + ": WAL contains references to invalid pages";
      return false;
    }
    PagePointer& page = (*pages)[logged.block];
    if (LsnOf(*page) >= lsn) {
      counts_[kSkipped]++;
      continue;
    }
    auto redone = std::make_shared<Page>(*page);
    ApplyDelta(logged.bytes, redone.get());
    if (!HasSoundHole(*redone)) {
      *failure = where + ": the bounds of the page are damaged";
      return false;
    }
    ZeroHole(redone.get());
    SetLsn(redone.get(), lsn);
    counts_[kDeltas]++;
    page = redone;
  }
  return true;
}

bool CrashDisk::Recover(Pages* pages, std::string* failure) {
  for (size_t i = 0; i < log_.size(); i++)
    if (!Replay(log_[i], redo_ + 1 + i, pages, failure)) return false;
  return true;
}

bool CrashDisk::RecoverInPart(uint64_t stop, Pages* pages, SplitMix64* random,
                              std::string* failure) {
  Pages disk = *pages;
  for (size_t i = 0; i < stop; i++) {
    if (!Replay(log_[i], redo_ + 1 + i, pages, failure)) return false;
    while (disk.size() < pages->size()) disk.push_back(nullptr);
    for (const LoggedPage& logged : log_[i])
      if (random->Next() % 4 == 0) disk[logged.block] = (*pages)[logged.block];
  }
  while (disk.size() < pages->size()) disk.push_back(nullptr);
  for (size_t block = 0; block < disk.size(); block++)
    (*pages)[block] = Mix({disk[block], (*pages)[block]}, options_.page_images, random);
  while (!pages->empty() && pages->back() == nullptr) pages->pop_back();
  for (PagePointer& page : *pages)
    if (page == nullptr) page = ZeroPage();
  counts_[kStopped]++;
  return true;
}

std::string CrashDisk::Crash(CrashKind kind, uint64_t seed, MemoryFile* recovered) {
  SplitMix64 random(seed);
  std::string failure;
  Pages pages = Surviving(kind != CrashKind::kWhole && options_.page_images, &random);
  if (kind == CrashKind::kTwice &&
      !RecoverInPart(random.Next() % (log_.size() + 1), &pages, &random, &failure))
    return failure;
  if (!Recover(&pages, &failure)) return failure;
  return Finish(pages, recovered);
}

bool CrashDisk::CrashInRecovery(uint64_t stop, uint64_t seed, MemoryFile* recovered,
                                std::string* failure) {
  SplitMix64 random(seed);
  Pages pages = Surviving(options_.page_images, &random);
  if (stop > log_.size()) return false;
  if (RecoverInPart(stop, &pages, &random, failure) && Recover(&pages, failure))
    *failure = Finish(pages, recovered);
  return true;
}

// Compares with the buffers, and hands the pages out.
std::string CrashDisk::Finish(const Pages& pages, MemoryFile* recovered) {
  counts_[kRecoveries]++;
  if (pages.size() > buffers_.size()) return "the file has become longer";
  for (size_t block = 0; block < buffers_.size(); block++) {
    const Page& expected = *buffers_[block];
    const std::string where = "block " + std::to_string(block);
    if (block >= pages.size()) {
      if (!IsNewPage(expected.data())) return where + " is lost";
      continue;
    }
    const Page& page = *pages[block];
    recovered->Extend(page.data());
    const Hole hole = HoleOf(expected);
    bool hinted = false;
    for (size_t i = hole.begin; i < hole.end; i++) {
      if ((page[i] & ~expected[i]) != 0)
        return where + " has a hint that it had not before the crash, at " + std::to_string(i);
      hinted |= page[i] != 0;
    }
    if (hinted) counts_[kHintedPages]++;
    if (IsNewPage(page.data())) counts_[kZeroPages]++;
    if (memcmp(page.data(), expected.data(), hole.begin) != 0 ||
        memcmp(page.data() + hole.end, expected.data() + hole.end, kPageBytes - hole.end) != 0)
      return where + " differs from the page before the crash";
  }
  return "";
}

}  // namespace quiver::fakes
