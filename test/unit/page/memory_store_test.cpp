// The page store of the tests: that it notices what it is there to notice.
#include "fakes/memory_store.h"

#include <gtest/gtest.h>

#include "page/page.h"
#include "page/store.h"

namespace quiver::fakes {
namespace {

class Fake : public ::testing::Test {
 protected:
  Fake() : store_(&file_), core_(store_.callbacks()) {
    for (int i = 0; i < 4; i++) {
      const uint32_t block = file_.Extend();
      std::vector<uint8_t> page(kPageBytes);
      InitPage(page.data(), PageKind::kPosting, 0);
      file_.Overwrite(block, 0, page.data(), kPageBytes);
    }
  }

  // Runs it; the only violation, or what is wrong with that.
  template <class Body>
  std::string ViolationOf(const Body& body) {
    store_.Run(body);
    const std::vector<std::string> all = store_.TakeViolations();
    return all.size() == 1 ? all[0] : std::to_string(all.size()) + " violations";
  }

  MemoryFile file_;
  MemoryStore store_;
  Store core_;
  QuiverPin a_ = {};
  QuiverPin b_ = {};
};

TEST_F(Fake, NoticesLeaks) {
  EXPECT_EQ(ViolationOf([&] { core_.Read(1, &a_); }), "ended with block 1 locked");
}

TEST_F(Fake, NoticesSelfDeadlock) {
  EXPECT_EQ(ViolationOf([&] {
              core_.Lock(1, &a_);
              core_.Lock(1, &b_);
            }),
            "block 1 locked twice: waits for itself");
}

TEST_F(Fake, NoticesDeadlock) {
  EXPECT_EQ(ViolationOf([&] {
              ASSERT_TRUE(file_.TryLock(2, false));
              core_.Lock(2, &a_);
            }),
            "deadlock at block 2");
  file_.Unlock(2, false);
}

TEST_F(Fake, NoticesTheOrder) {
  EXPECT_EQ(ViolationOf([&] {
              core_.Lock(2, &a_);
              core_.Lock(1, &b_);
              core_.Release(&b_);
              core_.Release(&a_);
            }),
            "block 1 locked after block 2, against the order");
}

TEST_F(Fake, NoticesPollAndAllocateUnderLocks) {
  EXPECT_EQ(ViolationOf([&] {
              core_.Read(1, &a_);
              core_.Poll();
              core_.Release(&a_);
            }),
            "poll with a page locked");
  EXPECT_EQ(ViolationOf([&] {
              core_.Lock(1, &a_);
              store_.callbacks()->allocate(store_.callbacks()->context, 8);
              core_.Release(&a_);
            }),
            "allocate with a page locked exclusively");
  store_.Run([&] {
    core_.Read(1, &a_);
    store_.callbacks()->allocate(store_.callbacks()->context, 8);
    core_.Release(&a_);
  });
  EXPECT_TRUE(store_.TakeViolations().empty());
}

TEST_F(Fake, NoticesBlocksBeyondTheEnd) {
  EXPECT_EQ(ViolationOf([&] { core_.Read(4, &a_); }), "block 4 lies beyond the end of the file");
}

TEST_F(Fake, NoticesEditsWithoutLock) {
  EXPECT_EQ(ViolationOf([&] {
              core_.Read(1, &a_);
              core_.Begin();
              core_.Edit(&a_);
            }),
            "edit of block 1, which is not locked exclusively");
}

TEST_F(Fake, NoticesRecordsWithoutChange) {
  EXPECT_EQ(ViolationOf([&] {
              core_.Lock(1, &a_);
              core_.Begin();
              core_.Edit(&a_);
              core_.Commit();
              core_.Release(&a_);
            }),
            "record leaves block 1 as it was");
}

TEST_F(Fake, NoticesCallbacksWithinARecord) {
  EXPECT_EQ(ViolationOf([&] {
              core_.Lock(1, &a_);
              core_.Begin();
              core_.BlockCount();
              Special(core_.Edit(&a_))->next = 3;
              core_.Commit();
              core_.Release(&a_);
            }),
            "block_count within a record");
}

TEST_F(Fake, NoticesFivePages) {
  file_.Extend(file_.Copy(0).data());
  QuiverPin pins[5] = {};
  EXPECT_EQ(ViolationOf([&] {
              for (uint32_t i = 0; i < 5; i++) core_.Lock(i, &pins[i]);
              core_.Begin();
              for (QuiverPin& pin : pins) Special(core_.Edit(&pin))->next = 3;
              core_.Commit();
              for (QuiverPin& pin : pins) core_.Release(&pin);
            }),
            "a record of 5 pages");
}

TEST_F(Fake, ChangesShowAfterCommitOnly) {
  store_.Run([&] {
    const uint8_t* page = core_.Lock(1, &a_);
    core_.Begin();
    Special(core_.Edit(&a_))->next = 3;
    EXPECT_EQ(Special(page)->next, QUIVER_INVALID_BLOCK);
    core_.Commit();
    EXPECT_EQ(Special(page)->next, 3u);
    core_.Release(&a_);
  });
}

TEST_F(Fake, CommitZeroesTheHole) {
  store_.Run([&] {
    core_.Lock(1, &a_);
    core_.Begin();
    uint8_t* page = core_.Edit(&a_);
    page[100] = 1;
    page[200] = 1;
    SetPageDataBytes(page, 150);
    core_.Commit();
    core_.Release(&a_);
  });
  EXPECT_EQ(file_.Copy(1)[100], 1);
  EXPECT_EQ(file_.Copy(1)[200], 0);
}

TEST_F(Fake, FaultsDropLocksAndRecord) {
  store_.FailAt(4);
  const std::optional<QuiverError> error = store_.Run([&] {
    core_.Lock(1, &a_);
    core_.Begin();
    Special(core_.Edit(&a_))->next = 3;
    core_.Commit();
  });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->detail, kInjected);
  EXPECT_EQ(file_.Copy(1), file_.Copy(2));
  store_.Run([&] {
    core_.Lock(1, &a_);
    core_.Release(&a_);
  });
}

TEST_F(Fake, InterleavedSessionsWaitForOneAnother) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Interleaver interleaver(seed);
    int order = 0;
    for (int i = 0; i < 3; i++)
      interleaver.Add([&] {
        MemoryStore store(&file_, &interleaver);
        const Store core(store.callbacks());
        QuiverPin pin;
        store.Run([&] {
          core.Lock(1, &pin);
          const int before = ++order;
          core.BlockCount();
          core.Prefetch(1, 0, 8);
          EXPECT_EQ(order, before);
          core.Release(&pin);
        });
      });
    interleaver.Run();
    EXPECT_EQ(order, 3);
  }
}

// Two sessions that lock two pages in different orders: someone notices.
TEST_F(Fake, InterleavedDeadlockIsNoticed) {
  size_t deadlocks = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Interleaver interleaver(seed);
    for (const uint32_t first : {1u, 2u})
      interleaver.Add([&, first] {
        MemoryStore store(&file_, &interleaver);
        const Store core(store.callbacks());
        QuiverPin pins[2];
        store.Run([&] {
          core.Lock(first, &pins[0]);
          core.Lock(3 - first, &pins[1]);
          core.Release(&pins[1]);
          core.Release(&pins[0]);
        });
        for (const std::string& text : store.TakeViolations())
          deadlocks += text.find("deadlock") == 0 ? 1 : 0;
      });
    interleaver.Run();
  }
  EXPECT_GT(deadlocks, 0u);
}

}  // namespace
}  // namespace quiver::fakes
