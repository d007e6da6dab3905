#include "mcp/request_stream.h"

#include <thread>
#include <vector>

#include "mcp/jsonrpc.h"
#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

class Recorder final : public Outbound {
 public:
  Status send(Message message) override {
    MutexLock lock(mutex_);
    messages_.push_back(std::move(message));
    return {};
  }
  std::stop_token closed() const override { return {}; }
  std::vector<Message> messages() const {
    MutexLock lock(mutex_);
    return messages_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Message> messages_ REXEC_GUARDED_BY(mutex_);
};

Message an_answer() {
  return make_result(1, Json::object());
}

}  // namespace

TEST_CASE("Nothing follows the answer", "[mcp]") {
  const auto out = std::make_shared<Recorder>();
  RequestStream stream(out);
  stream.send_progress("t", "one");
  REQUIRE(stream.finish(an_answer(), {}));
  stream.send_progress("t", "two");
  stream.send(make_notification("n", Json::object()));
  REQUIRE_FALSE(stream.finish(an_answer(), {}));
  REQUIRE(out->messages().size() == 2);
  REQUIRE(out->messages().back().kind == Message::Kind::response);
}

TEST_CASE("An abandoned stream sends nothing and lets go of its peer", "[mcp]") {
  auto out = std::make_shared<Recorder>();
  RequestStream stream(out);
  const std::weak_ptr<Recorder> weak = out;
  out.reset();
  stream.abandon();
  REQUIRE(weak.expired());
  REQUIRE_FALSE(stream.outbound());
  REQUIRE_FALSE(stream.finish(an_answer(), {}));
}

TEST_CASE("The peer is let go of before the ticket of the answer", "[mcp]") {
  const auto registry = std::make_shared<RequestRegistry>(RequestRegistry::Limits{1, 1});
  auto admission = registry->admit({RequestKind::call, nullptr, "1", "ann", nullptr});
  class Last final : public Outbound {
   public:
    Last(const RequestRegistry& watched, std::size_t& calls) : registry_(watched), calls_(calls) {}
    ~Last() override { calls_ = registry_.calls(); }
    Status send(Message) override { return {}; }
    std::stop_token closed() const override { return {}; }

   private:
    const RequestRegistry& registry_;
    std::size_t& calls_;
  };
  std::size_t calls_at_the_end = 0;
  RequestStream stream(std::make_shared<Last>(*registry, calls_at_the_end));
  stream.finish(an_answer(), std::get<RequestRegistry::Ticket>(std::move(admission)));
  REQUIRE(calls_at_the_end == 1);
  REQUIRE(registry->calls() == 0);
}

TEST_CASE("Progress from many threads increases strictly and ends with the answer", "[mcp]") {
  const auto out = std::make_shared<Recorder>();
  RequestStream stream(out);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 500; ++j) stream.send_progress(7, "");
    });
  }
  std::thread finisher([&] { stream.finish(an_answer(), {}); });
  for (auto& thread : threads) thread.join();
  finisher.join();
  const auto messages = out->messages();
  REQUIRE(messages.back().kind == Message::Kind::response);
  for (std::size_t i = 0; i + 1 < messages.size(); ++i) {
    REQUIRE(parse_json(messages[i].text).value()["params"]["progress"] == i + 1);
  }
}

}  // namespace rexec::mcp
