// Bounds and rhythm of updates; what clients see of them is in tests/sessions.
#include "mcp/resource_watches.h"

#include <atomic>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::mcp {
namespace {

using test::eventually;

class Watch final : public ResourceWatch {
 public:
  explicit Watch(std::atomic<int>& ended) : ended_(ended) {}
  ~Watch() override { ++ended_; }

 private:
  std::atomic<int>& ended_;
};

/// Answers when it is told to, or at once.
class Provider final : public ResourceProvider {
 public:
  bool at_once = true;
  std::atomic<int> ended = 0;
  std::map<std::string, std::function<void()>> changed;
  std::vector<Reply<std::unique_ptr<ResourceWatch>>> held;

  const std::vector<ResourceInfo>& templates() const override { return none_; }
  void list(const Inquiry&, Reply<std::vector<ResourceInfo>>) override {}
  void read(const Inquiry&, const std::string&, Reply<ResourceContents>) override {}
  void watch(const Inquiry&, const std::string& uri, std::function<void()> on_change,
             Reply<std::unique_ptr<ResourceWatch>> reply) override {
    changed[uri] = std::move(on_change);
    if (!at_once) return held.push_back(std::move(reply));
    if (uri == "bad:") return reply(Error{ErrorCode::not_found, "no"});
    reply(std::unique_ptr<ResourceWatch>(std::make_unique<Watch>(ended)));
  }

 private:
  const std::vector<ResourceInfo> none_{};
};

struct Fixture {
  explicit Fixture(Duration interval, std::size_t limit = 2)
      : watches(std::make_shared<ResourceWatches>(provider, timers, ResourceWatches::Limits{limit, interval},
                                                  [this](const std::string&) { ++told; })) {
    watches->open();
  }
  ~Fixture() {
    provider->held.clear();  // what was not answered holds on to all of this
    watches->close();
    timers->stop();
  }

  Result<void> add(const std::string& uri) {
    Result<void> result = Error{ErrorCode::internal, "not answered"};
    watches->add(Inquiry("ann", Op{}, pool), uri, [&](Result<void> added) { result = std::move(added); });
    return result;
  }

  WorkerPool pool{WorkerPool::Options{1, 1}};
  const std::shared_ptr<Provider> provider = std::make_shared<Provider>();
  const std::shared_ptr<TimerQueue> timers = std::make_shared<TimerQueue>();
  std::atomic<int> told = 0;
  std::shared_ptr<ResourceWatches> watches;
};

constexpr Duration kNever = std::chrono::hours(1);

}  // namespace

TEST_CASE("The first change is told at once, those within the interval not", "[mcp]") {
  Fixture f(kNever);
  REQUIRE(f.add("a:"));
  for (int i = 0; i < 100; ++i) f.provider->changed["a:"]();
  REQUIRE(f.told == 1);
}

TEST_CASE("The last change is told when the interval is over", "[mcp]") {
  Fixture f(std::chrono::milliseconds(20));
  REQUIRE(f.add("a:"));
  f.provider->changed["a:"]();
  f.provider->changed["a:"]();
  REQUIRE(eventually([&] { return f.told == 2; }));
}

TEST_CASE("Resources have their intervals by themselves", "[mcp]") {
  Fixture f(kNever);
  REQUIRE(f.add("a:"));
  REQUIRE(f.add("b:"));
  f.provider->changed["a:"]();
  f.provider->changed["b:"]();
  REQUIRE(f.told == 2);
}

TEST_CASE("A subscriber watches a bounded number of resources, each once", "[mcp]") {
  Fixture f(kNever, 2);
  REQUIRE(f.add("a:"));
  REQUIRE(f.add("a:"));
  REQUIRE(f.add("bad:").error().code == ErrorCode::not_found);
  REQUIRE(f.add("b:"));
  REQUIRE(f.add("c:").error().code == ErrorCode::resource_exhausted);
  f.watches->remove("a:");
  REQUIRE(f.provider->ended == 1);
  REQUIRE(f.add("c:"));
  REQUIRE(f.watches->size() == 2);
}

TEST_CASE("Nothing is told of what is not watched any more", "[mcp]") {
  Fixture f(Duration{});
  REQUIRE(f.add("a:"));
  const auto changed = f.provider->changed["a:"];
  f.watches->remove("a:");
  changed();
  REQUIRE(f.told == 0);
  REQUIRE(f.add("a:"));
  changed();
  REQUIRE(f.told == 0);
  f.provider->changed["a:"]();
  REQUIRE(f.told == 1);
  f.watches->close();
  f.provider->changed["a:"]();
  REQUIRE(f.told == 1);
  REQUIRE(f.provider->ended == 2);
  REQUIRE(f.add("a:").error().code == ErrorCode::unavailable);
}

TEST_CASE("A change before the subscription is known is told after it", "[mcp]") {
  Fixture f(kNever);
  f.provider->at_once = false;
  bool known = false;
  int told_before = -1;
  f.watches->add(Inquiry("ann", Op{}, f.pool), "a:", [&](const Result<void>& added) {
    known = added.ok();
    told_before = f.told;
  });
  f.provider->changed["a:"]();
  REQUIRE(f.told == 0);
  f.provider->held.front()(std::unique_ptr<ResourceWatch>(std::make_unique<Watch>(f.provider->ended)));
  REQUIRE(known);
  REQUIRE(told_before == 0);
  REQUIRE(f.told == 1);
}

TEST_CASE("A watch that is granted after it was given up ends at once", "[mcp]") {
  Fixture f(kNever);
  f.provider->at_once = false;
  f.watches->add(Inquiry("ann", Op{}, f.pool), "a:", [](const Result<void>&) {});
  f.watches->remove("a:");
  f.provider->held.front()(std::unique_ptr<ResourceWatch>(std::make_unique<Watch>(f.provider->ended)));
  REQUIRE(f.provider->ended == 1);
}

}  // namespace rexec::mcp
