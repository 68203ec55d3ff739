#include "fakes/churn.h"

#include <algorithm>

namespace quiver::fakes {

namespace {

constexpr size_t kValues = 300;
// Rows that nobody has: those of CheckStillWorks, if it needs any.
constexpr uint32_t kLaterRow = 1000000;

std::vector<uint32_t> RowsOf(const std::vector<Hit>& hits) {
  std::vector<uint32_t> rows;
  for (const Hit& hit : hits) rows.push_back(hit.row);
  return rows;
}

std::string Failed(const char* what, const std::optional<QuiverError>& error) {
  return error.has_value() ? std::string(what) + ": " + Describe(error) : "";
}

}  // namespace

const char* NameOf(ChurnStep step) {
  static const char* const names[kChurnSteps] = {
      "insert",      "duplicate", "loose row",   "insert in vain",     "delete",
      "rows killed", "vacuum",    "its cleanup", "a cancelled vacuum", "a cancelled cleanup"};
  return names[static_cast<size_t>(step)];
}

Churn::Churn(const ChurnForm& form, uint64_t seed)
    : form_(form), random_(seed), index_(form.params, form.start) {
  values_ = RandomValues(form.params, seed, kValues);
  if (form.params.form == QUIVER_FORM_SPARSE)
    values_ = SparseVectors(seed, kValues, form.params.dim, {20, 50, 900, 1500}, 100);
  states_.resize(form.start.size() + 4 * size_t{form.living}, kAbsent);
  valued_.resize(states_.size());
  for (uint32_t row = 0; row < form.start.size(); row++) {
    states_[row] = kLiving;
    valued_[row] = static_cast<uint32_t>(values_.size());
    values_.push_back(form.start[row]);
    living_++;
  }
  if (form.list_limit > 0) index_.SetListLimit(form.list_limit);
}

const Value& Churn::AnyValue() {
  return values_[Pick(kValues)];
}

// The first value has more rows than others.
const Value& Churn::LivingValue() {
  if (Pick(3) == 0) return values_[0];
  for (int attempt = 0; attempt < 50; attempt++) {
    const uint32_t row = Pick(states_.size());
    if (states_[row] == kLiving) return values_[valued_[row]];
  }
  return values_[0];
}

uint32_t Churn::Absent() {
  const uint32_t first = Pick(states_.size());
  for (uint32_t i = 0; i < states_.size(); i++) {
    const auto row = static_cast<uint32_t>((first + i) % states_.size());
    if (states_[row] == kAbsent) return row;
  }
  return UINT32_MAX;
}

std::string Churn::Step() {
  const auto target = static_cast<uint32_t>(form_.start.size()) + form_.living;
  uint32_t dice = Pick(100);
  if (living_ < target - form_.living / 2 && Pick(2) == 0) dice = Pick(60);
  if (living_ > target && Pick(2) == 0) dice = 65;
  if (dice < 64 && Absent() == UINT32_MAX) dice = 86;
  std::string failure;
  if (dice < 44) {
    step_ = ChurnStep::kInsert;
    failure = Insert(AnyValue(), false);
  } else if (dice < 56) {
    step_ = ChurnStep::kDuplicate;
    failure = Insert(LivingValue(), false);
  } else if (dice < 60) {
    step_ = ChurnStep::kLoose;
    failure =
        Insert(Pick(2) == 0 ? Value() : ZeroValue(form_.params.form, form_.params.dim), false);
  } else if (dice < 64) {
    step_ = ChurnStep::kRolledBack;
    failure = Insert(Pick(3) == 0 ? LivingValue() : AnyValue(), true);
  } else if (dice < 79) {
    step_ = ChurnStep::kDelete;
    failure = Delete();
  } else if (dice < 86) {
    step_ = ChurnStep::kKill;
    failure = Kill();
  } else if (dice < 91) {
    step_ = ChurnStep::kBulkDelete;
    failure = BulkDelete(false);
  } else if (dice < 94) {
    step_ = ChurnStep::kCleanup;
    failure = Cleanup(false);
  } else if (dice < 97) {
    step_ = ChurnStep::kCancelledBulkDelete;
    failure = BulkDelete(true);
  } else {
    step_ = ChurnStep::kCancelledCleanup;
    failure = Cleanup(true);
  }
  return failure.empty() ? "" : std::string(NameOf(step_)) + ": " + failure;
}

// Which callback fails: one of the first 2^least, or of 2^10 times as many.
uint64_t Churn::SomeCall(uint32_t least) {
  return 1 + random_.Next() % (uint64_t{1} << (least + Pick(11)));
}

std::string Churn::Insert(const Value& value, bool in_vain) {
  const uint32_t row = Absent();
  states_[row] = kUnsure;
  valued_[row] = 0;
  std::optional<QuiverError> error;
  if (in_vain) {
    MemoryStore store(index_.file());
    store.FailAt(SomeCall(3));
    error = index_.InsertWith(&store, row, value);
    if (error.has_value() && error->detail != kInjected) return Describe(error);
    // Whether it got to its end or not, its transaction is rolled back.
    states_[row] = kDead;
    return "";
  }
  error = index_.Insert(row, value);
  if (error.has_value()) return Describe(error);
  states_[row] = kLiving;
  for (uint32_t i = 0; i < values_.size(); i++)
    if (&values_[i] == &value) valued_[row] = i;
  living_++;
  return "";
}

// A few rows, many of a range of addresses, or once in a while nearly all.
std::string Churn::Delete() {
  const uint32_t how = Pick(60);
  uint32_t first = Pick(states_.size());
  uint32_t count = 1 + Pick(6);
  if (how < 4) count = form_.living / 2;
  if (how == 59) {
    first = 0;
    count = static_cast<uint32_t>(states_.size());
  }
  uint32_t left = count;
  for (uint32_t i = 0; i < states_.size() && left > 0; i++) {
    const auto row = static_cast<uint32_t>((first + i) % states_.size());
    if (states_[row] != kLiving || (how > 20 && how < 59 && Pick(4) != 0)) continue;
    if (how == 59 && Pick(30) == 0) continue;
    states_[row] = kDead;
    living_--;
    left--;
  }
  // All rows of a page or two of a long chain.
  if (form_.start.size() > 1000 && how < 10) {
    const auto begin = static_cast<uint32_t>(Pick(2) * 1000);
    for (uint32_t row = begin; row < begin + 1100 && row < states_.size(); row++) {
      if (states_[row] != kLiving) continue;
      states_[row] = kDead;
      living_--;
    }
  }
  return "";
}

// A scan kills dead rows.  Half of them say so at once, the others at the next such
// step, when the rows may have been vacuumed and their addresses have come back.
std::string Churn::Kill() {
  std::string failure;
  if (late_ != nullptr) {
    late_->Finish();
    failure = Failed("a late kill", late_->error());
    late_.reset();
  }
  auto cursor = std::make_unique<Cursor>(index_.file(), index_.index(), OptionsOf(10),
                                         Pick(2) == 0 ? Value() : AnyValue());
  for (size_t left = Pick(2) == 0 ? 20 : SIZE_MAX; left > 0; left--) {
    const std::optional<Hit> hit = cursor->Next();
    if (!hit.has_value()) break;
    if (states_[hit->row] == kDead && Pick(4) != 0) cursor->Kill();
  }
  if (Pick(2) == 0) {
    if (failure.empty()) failure = Failed("scan", cursor->error());
    late_ = std::move(cursor);
    return failure;
  }
  cursor->Finish();
  return failure.empty() ? Failed("scan", cursor->error()) : failure;
}

std::string Churn::BulkDelete(bool cancelled) {
  MemoryStore store(index_.file());
  if (cancelled) store.FailAt(SomeCall(4));
  const std::optional<QuiverError> error =
      index_.Delete([&](uint32_t row) { return states_[row] == kDead; }, nullptr, &store);
  if (error.has_value()) return cancelled && error->detail == kInjected ? "" : Describe(error);
  // From here on the table may use the addresses again.
  for (State& state : states_)
    if (state == kDead) state = kAbsent;
  if (Pick(3) == 0) return "";
  step_ = ChurnStep::kCleanup;
  return Cleanup(false);
}

std::string Churn::Cleanup(bool cancelled) {
  MemoryStore store(index_.file());
  if (cancelled) store.FailAt(SomeCall(6));
  const std::optional<QuiverError> error = index_.Cleanup(nullptr, &store);
  return error.has_value() && !(cancelled && error->detail == kInjected) ? Describe(error) : "";
}

// `all`: hints do not count.
std::string Churn::CountRows(const std::vector<uint32_t>& rows, const char* where, bool all) const {
  std::vector<uint8_t> times(states_.size());
  for (const uint32_t row : rows) {
    const std::string what = std::string(where) + " has row " + std::to_string(row);
    if (row >= states_.size() || states_[row] == kAbsent) return what + ", which is gone";
    if (times[row]++ > 0) return what + " twice";
  }
  for (uint32_t row = 0; row < states_.size(); row++) {
    if (states_[row] == kLiving && times[row] == 0)
      return std::string(where) + (all ? " lacks row " : " hides row ") + std::to_string(row);
  }
  return "";
}

std::string Churn::CheckScans(MemoryIndex* index) {
  std::optional<QuiverError> error;
  const std::vector<Hit> walked = index->Everything(&error);
  if (error.has_value()) return Failed("walk", error);
  std::string failure = CountRows(RowsOf(walked), "a walk", false);
  if (!failure.empty()) return failure;
  const Value& query = values_[checked_++ % kValues];
  const std::vector<Hit> found = index->Search(query, OptionsOf(10), SIZE_MAX, &error);
  if (error.has_value()) return Failed("search", error);
  return CountRows(RowsOf(found), "a search", false);
}

std::string Churn::Check(MemoryIndex* index) {
  const Verdict verdict = index->Verify();
  std::string failure = verdict.Complaints();
  if (failure.empty()) failure = CountRows(verdict.rows, "the index", true);
  if (failure.empty()) failure = CheckScans(index);
  return failure;
}

std::string Churn::CheckStillWorks(MemoryIndex* index, uint64_t seed) {
  SplitMix64 random(seed);
  const std::vector<State> before = states_;
  const auto pick = [&](size_t n) { return static_cast<uint32_t>(random.Next() % n); };
  std::string failure;
  std::vector<uint32_t> later;
  const auto insert = [&](uint32_t row, const Value& value) {
    later.push_back(row);
    if (failure.empty()) failure = Failed("a later insert", index->Insert(row, value));
  };
  // What the map of free pages says after a crash.
  for (int i = 0; i < 6; i++) index->file()->NoteFree(pick(index->file()->block_count() + 3));
  insert(kLaterRow, values_[pick(kValues)]);
  insert(kLaterRow + 1, values_[0]);
  if (failure.empty())
    failure = Failed("a later vacuum", index->Vacuum([&](uint32_t row) {
      return row < states_.size() && states_[row] != kLiving;
    }));
  // Addresses of the dead, so that a hint that has stayed would hide a living row.
  for (uint32_t row = 0; row < states_.size() && later.size() < 7; row++)
    if (before[row] == kDead || before[row] == kUnsure)
      insert(row, later.size() % 3 == 0 ? Value() : values_[pick(kValues)]);
  if (!failure.empty()) return failure;

  std::vector<uint32_t> expected = later;
  for (uint32_t row = 0; row < states_.size(); row++)
    if (states_[row] == kLiving) expected.push_back(row);
  std::sort(expected.begin(), expected.end());
  const Verdict verdict = index->Verify();
  if (!verdict.Complaints().empty()) return "later: " + verdict.Complaints();
  for (std::vector<uint32_t> rows :
       {verdict.rows, RowsOf(index->Everything()),
        RowsOf(index->Search(values_[pick(kValues)], OptionsOf(10)))}) {
    std::sort(rows.begin(), rows.end());
    if (rows != expected)
      return "later there are " + std::to_string(rows.size()) + " rows, not the " +
             std::to_string(expected.size()) + " that there should be";
  }
  return "";
}

}  // namespace quiver::fakes
