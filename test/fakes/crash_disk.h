// What PostgreSQL keeps of an index on a disk, beside the pages in its buffers
// (MemoryFile): the log, and what of the pages has been written.
//
// Each record of the file is logged as GenericXLogFinish does: a page that is fresh,
// or touched for the first time since the redo point of the last checkpoint, as a
// full-page image without its hole; others as the bytes that differ.  Pages are
// written at random moments, and by checkpoints, which begin and end at random ones.
// A write is sure to survive only once a checkpoint that came after it has ended.
// The length of the file is not logged.
//
// A crash leaves the log up to the last record, and of each page any of: what was
// there when the last checkpoint ended, what was written last, what the buffer has;
// with torn pages, any mix of their sectors.  Recovery is generic_redo's.
#ifndef QUIVER_FAKES_CRASH_DISK_H
#define QUIVER_FAKES_CRASH_DISK_H

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "fakes/memory_file.h"

namespace quiver::fakes {

enum class CrashKind {
  kWhole,  // pages are written whole or not at all
  kTorn,   // or in part
  kTwice,  // torn, and once more so within recovery, which begins anew then
};
constexpr CrashKind kCrashKinds[] = {CrashKind::kWhole, CrashKind::kTorn, CrashKind::kTwice};
const char* NameOf(CrashKind kind);

class CrashDisk : public PageLog {
 public:
  using Page = std::array<uint8_t, QUIVER_BLOCK_SIZE>;
  using PagePointer = std::shared_ptr<const Page>;

  struct Options {
    // full_page_writes.  Off is for disks that tear no page; then none is torn here, and
    // recovery skips what a page has already.
    bool page_images = true;
    bool log_hints = false;       // checksums, or wal_log_hints
    bool synced_start = false;    // wal_level = minimal: what a build wrote is not logged
    uint32_t checkpoint_in = 40;  // records between two checkpoints, about
  };
  // What crashes have met; a test that finds a 0 here proves little.
  enum Count {
    kRecoveries,
    kStopped,      // recoveries that crashed
    kNotInBuffer,  // pages on the disk that were not as in the buffers
    kTornPages,    // of these with sectors of several versions
    kImages,       // full-page images restored
    kOlderImages,  // of these over a page that was newer
    kDeltas,       // applied
    kSkipped,      // that the page had
    kHintedPages,  // after recovery
    kZeroPages,    // after recovery
    kShorter,      // files, than in memory
    kCheckpoints,
    kCounts
  };
  using Counts = std::array<uint64_t, kCounts>;

  // Takes the file as it is for what has been committed before; from then on its log.
  CrashDisk(MemoryFile* file, uint64_t seed, const Options& options);
  ~CrashDisk() override;
  CrashDisk(const CrashDisk&) = delete;
  CrashDisk& operator=(const CrashDisk&) = delete;

  // Called before each record but after all else that precedes it: pages added, hints.
  void set_crash_point(std::function<void()> hook) { crash_point_ = std::move(hook); }

  uint64_t records() const { return last_; }
  // What kinds of pages the last record changed, and into what: the same for records
  // of the same sort.
  uint64_t last_sort() const { return last_sort_; }

  // Crashes now and recovers into `recovered`, which is empty; "" or why that fails.
  // The pages are then those in the buffers, but for hints of which some may be
  // missing, and pages of zeros at the end.
  std::string Crash(CrashKind kind, uint64_t seed, MemoryFile* recovered);
  // The same, but the first recovery stops after record `stop`, 1 for the first that
  // it replays; false: it has no more.
  bool CrashInRecovery(uint64_t stop, uint64_t seed, MemoryFile* recovered, std::string* failure);

  const Counts& counts() const { return counts_; }

  void BeforeRecord() override;
  void Record(const std::vector<RecordPage>& pages) override;
  bool Hints(uint32_t block) override;

 private:
  struct LoggedPage {
    uint32_t block;
    bool image;
    // Of an image: what is before the hole and after it.  Else fragments: offset,
    // length, bytes.
    std::vector<uint8_t> bytes;
  };
  using LogRecord = std::vector<LoggedPage>;
  // A block that the file does not reach is nullptr.
  using Pages = std::vector<PagePointer>;

  void FollowLength();
  void Log(const std::vector<RecordPage>& pages, const std::vector<PagePointer>& before);
  void Pass();
  void Write(uint32_t block) { disk_[block] = buffers_[block]; }
  PagePointer Mix(std::initializer_list<PagePointer> versions, bool torn, SplitMix64* random);
  Pages Surviving(bool torn, SplitMix64* random);
  bool Replay(const LogRecord& record, uint64_t lsn, Pages* pages, std::string* failure);
  bool Recover(Pages* pages, std::string* failure);
  // Ends after `stop` records with what is on the disk then.
  bool RecoverInPart(uint64_t stop, Pages* pages, SplitMix64* random, std::string* failure);
  std::string Finish(const Pages& pages, MemoryFile* recovered);

  MemoryFile* file_;
  Options options_;
  SplitMix64 random_;
  std::function<void()> crash_point_;

  std::deque<LogRecord> log_;  // of records redo_ + 1 .. last_
  uint64_t last_sort_ = 0;
  uint64_t last_ = 0;         // the last record's number, which is its LSN
  uint64_t redo_ = 0;         // recovery begins after this one
  uint64_t image_until_ = 0;  // pages of this LSN or before are logged whole
  bool in_checkpoint_ = false;
  std::vector<uint32_t> to_write_;  // of the checkpoint under way

  Pages buffers_;
  Pages disk_;    // as written
  Pages synced_;  // as written when the last checkpoint ended
  Counts counts_ = {};
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_CRASH_DISK_H
