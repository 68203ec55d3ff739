// Builds by several participants, in threads, over a space that they share.
#ifndef QUIVER_TEST_GRAPH_BUILDING_TOGETHER_H
#define QUIVER_TEST_GRAPH_BUILDING_TOGETHER_H

#include <thread>

#include "fakes/shared_space.h"
#include "graph/build.h"
#include "graph/index_testing.h"

namespace quiver::fakes {

using Errors = std::vector<std::optional<QuiverError>>;

// A build by `participants` threads, the first of which leads.
class Together {
 public:
  // memory: 0 for any.
  Together(const QuiverIndexParams& params, int participants, uint64_t memory = 0)
      : params_(params), participants_(participants), memory_(memory) {}

  SharedSpace* space() { return &space_; }
  bool linked() const { return linked_; }
  bool bounded() const { return bounded_; }
  // Called in every store of a participant before it works.
  std::function<void(int participant, MemoryStore* store)> at_link = [](int, MemoryStore*) {};

  // Participant i adds rows i, i + participants, ...; the errors of the participants.
  Errors Build(const std::vector<Value>& rows, MemoryFile* file) {
    Errors errors(static_cast<size_t>(participants_));
    MemoryStore leader(file);
    QuiverBuild* build = nullptr;
    errors[0] = leader.Run([&] {
      build = quiver_build_begin_shared(leader.callbacks(), &params_, space_.callbacks(), memory_,
                                        static_cast<uint32_t>(participants_));
    });
    if (errors[0].has_value()) return errors;
    Step(&leader, build, &errors, [&](QuiverBuild* part, int participant) {
      for (size_t i = static_cast<size_t>(participant); i < rows.size();
           i += static_cast<size_t>(participants_)) {
        const QuiverValue value = rows[i].view();
        quiver_build_add(part, TidOf(static_cast<uint32_t>(i)),
                         rows[i].is_null() ? nullptr : &value);
      }
    });
    if (Failed(errors)) return errors;
    errors[0] = leader.Run([&] { linked_ = quiver_build_prepare(build); });
    if (Failed(errors)) return errors;
    linking_ = true;
    bounded_ = linked_ && quiver_build_is_bounded(build);
    if (bounded_)
      Step(&leader, build, &errors,
           [&](QuiverBuild* part, int) { quiver_build_sort_rows(part, nullptr, nullptr); });
    if (Failed(errors)) return errors;
    if (linked_)
      Step(&leader, build, &errors,
           [&](QuiverBuild* part, int) { quiver_build_link_rows(part, nullptr, nullptr); });
    if (Failed(errors)) return errors;
    errors[0] = leader.Run([&] {
      quiver_build_finish(build);
      EXPECT_EQ(quiver_build_rows(build), rows.size());
      quiver_build_write(
          build,
          [](void* context, uint32_t, const uint8_t* page) {
            static_cast<MemoryFile*>(context)->Extend(page);
          },
          file);
      EXPECT_EQ(quiver_build_pages(build), file->block_count());
    });
    return errors;
  }

  static bool Failed(const Errors& errors) {
    return std::any_of(errors.begin(), errors.end(),
                       [](const std::optional<QuiverError>& error) { return error.has_value(); });
  }

 private:
  template <class Work>
  void Step(MemoryStore* leader, QuiverBuild* build, Errors* errors, const Work& work) {
    std::vector<std::thread> others;
    for (int i = 1; i < participants_; i++)
      others.emplace_back([this, i, errors, &work] {
        MemoryFile none;
        MemoryStore store(&none);
        if (linking_) at_link(i, &store);
        (*errors)[static_cast<size_t>(i)] =
            store.Run([&] { work(quiver_build_join(store.callbacks(), space_.callbacks()), i); });
      });
    if (linking_) at_link(0, leader);
    (*errors)[0] = leader->Run([&] { work(build, 0); });
    for (std::thread& other : others) other.join();
  }

  QuiverIndexParams params_;
  int participants_;
  uint64_t memory_;
  SharedSpace space_;
  bool linking_ = false;
  bool linked_ = false;
  bool bounded_ = false;
};

inline uint64_t RegionOf(SpaceRegion region) {
  return static_cast<uint64_t>(region);
}

}  // namespace quiver::fakes

#endif  // QUIVER_TEST_GRAPH_BUILDING_TOGETHER_H
