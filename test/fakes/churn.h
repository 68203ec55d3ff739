// A seeded life of an index: rows are inserted, twice, without a distance, or in
// vain; deleted, found dead by scans, vacuumed; vacuums are cancelled; the addresses
// of rows that vacuum has removed come back.  And what must be found at any moment.
#ifndef QUIVER_FAKES_CHURN_H
#define QUIVER_FAKES_CHURN_H

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "fakes/memory_index.h"

namespace quiver::fakes {

struct ChurnForm {
  const char* name;
  QuiverIndexParams params;
  std::vector<Value> start;  // what the index is built over
  uint32_t list_limit;       // 0: as built
  uint32_t living;           // rows, about, beyond those
};

enum class ChurnStep {
  kInsert,
  kDuplicate,
  kLoose,
  kRolledBack,
  kDelete,  // the table's; nothing of the index changes
  kKill,
  kBulkDelete,
  kCleanup,
  kCancelledBulkDelete,
  kCancelledCleanup,
};
constexpr size_t kChurnSteps = 10;
const char* NameOf(ChurnStep step);

class Churn {
 public:
  Churn(const ChurnForm& form, uint64_t seed);

  MemoryIndex* index() { return &index_; }
  // The next operation; "" or how it failed.
  std::string Step();
  // The operation under way, or the last one.
  ChurnStep step() const { return step_; }

  // Looks at an index with these rows, or at what a crash has left of it: the
  // verifier has nothing to say, each living row is found, once, by every way, and
  // no row that never was or is surely gone.  "" or what is wrong.
  std::string Check(MemoryIndex* index);
  // Later operations work on it: it takes rows, gives up the dead, and their
  // addresses come back.
  std::string CheckStillWorks(MemoryIndex* index, uint64_t seed);

 private:
  enum State : uint8_t { kAbsent, kLiving, kDead, kUnsure };

  uint32_t Pick(size_t n) { return static_cast<uint32_t>(random_.Next() % n); }
  const Value& AnyValue();
  const Value& LivingValue();
  uint32_t Absent();
  std::string Insert(const Value& value, bool in_vain);
  std::string Delete();
  std::string Kill();
  std::string BulkDelete(bool cancelled);
  std::string Cleanup(bool cancelled);
  uint64_t SomeCall(uint32_t least);
  std::string CountRows(const std::vector<uint32_t>& rows, const char* where, bool all) const;
  std::string CheckScans(MemoryIndex* index);

  ChurnForm form_;
  SplitMix64 random_;
  MemoryIndex index_;
  std::vector<Value> values_;
  std::vector<State> states_;     // by row
  std::vector<uint32_t> valued_;  // which value; those of the start come after the others
  uint32_t living_ = 0;
  ChurnStep step_ = ChurnStep::kInsert;
  uint32_t checked_ = 0;
  // A scan that has killed rows and says so later.
  std::unique_ptr<Cursor> late_;
};

}  // namespace quiver::fakes

#endif  // QUIVER_FAKES_CHURN_H
