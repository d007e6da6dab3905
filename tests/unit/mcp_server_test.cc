// What conversations over one connection cannot show: calls in the same process, several principals,
// connections that close, and many calls at once. The rest of the server's behaviour is in tests/sessions.
#include "mcp/server.h"

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::mcp {
namespace {

using test::eventually;

class Client final : public Outbound {
 public:
  Status send(Message message) override {
    MutexLock lock(mutex_);
    messages_.push_back(std::move(message));
    return {};
  }
  std::stop_token closed() const override { return closed_.get_token(); }
  void close() { closed_.request_stop(); }

  std::size_t count() const {
    MutexLock lock(mutex_);
    return messages_.size();
  }
  std::vector<Message> messages() const {
    MutexLock lock(mutex_);
    return messages_;
  }
  Message only() const {
    REQUIRE(eventually([&] { return count() > 0; }));
    REQUIRE(count() == 1);
    return messages().front();
  }

 private:
  mutable Mutex mutex_;
  std::vector<Message> messages_ REXEC_GUARDED_BY(mutex_);
  std::stop_source closed_;
};

/// Calls that a handler holds on to.
class Held {
 public:
  void add(std::shared_ptr<ToolCall> call) {
    MutexLock lock(mutex_);
    calls_.push_back(std::move(call));
  }
  std::size_t count() const {
    MutexLock lock(mutex_);
    return calls_.size();
  }
  std::shared_ptr<ToolCall> take() {
    MutexLock lock(mutex_);
    auto call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }

 private:
  mutable Mutex mutex_;
  std::deque<std::shared_ptr<ToolCall>> calls_ REXEC_GUARDED_BY(mutex_);
};

constexpr std::string_view kTool =
    R"({"name": "tool", "description": "d", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}},
        "additionalProperties": false}})";

struct Fixture {
  explicit Fixture(ToolHandler handler, ServerOptions options = {}, WorkerPool::Options threads = {4, 64})
      : pool(threads) {
    auto made = make_server(std::move(options), {Tool{kTool, std::move(handler)}}, pool);
    if (!made) throw std::runtime_error(made.error().message);
    server = std::move(made).value();
    peer.session = make_session();
  }

  void call(const std::shared_ptr<Client>& client, int id, const Peer& from) const {
    server->receive(
        R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"tool"},"id":)" + std::to_string(id) + "}",
        client, from);
  }

  WorkerPool pool;
  std::unique_ptr<Server> server;
  Peer peer;
};

Op in_time() {
  return Op{{}, Deadline::after(test::kEventuallyLimit)};
}

constexpr std::string_view kModernCall =
    R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"tool","_meta":{
        "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})";

}  // namespace

TEST_CASE("A local call returns the result and reports progress on the calling thread", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>& call) {
    call->progress("one");
    call->progress("two");
    call->reply(ToolResult::text(call->principal() + dump_json(call->arguments())));
  });
  std::vector<std::string> progress;
  const auto caller = std::this_thread::get_id();
  const auto result =
      f.server->call("tool", Json{{"n", "7"}}, "ann", in_time(), [&](std::string_view message) {
        REQUIRE(std::this_thread::get_id() == caller);
        progress.emplace_back(message);
      });
  REQUIRE(result);
  REQUIRE(result->content.front().text == R"(ann{"n":7})");
  REQUIRE(progress == std::vector<std::string>{"one", "two"});
  REQUIRE(f.server->wait_idle(in_time()));
}

TEST_CASE("A prompt handler runs where a small call is received, any other on a worker", "[mcp]") {
  std::optional<std::thread::id> ran;
  const auto note = [&](const std::shared_ptr<ToolCall>& call) {
    ran = std::this_thread::get_id();
    call->reply(ToolResult::text("done"));
  };
  const bool prompt = GENERATE(true, false);
  const bool large = GENERATE(true, false);
  const Fixture f(prompt ? prompt_handler(note) : ToolHandler(note));
  const auto client = std::make_shared<Client>();
  const std::string padding = large ? std::string(100'000, ' ') : "";
  f.server->receive(
      R"({"jsonrpc":"2.0","method":"tools/call",)" + padding + R"("params":{"name":"tool"},"id":1})", client,
      f.peer);
  REQUIRE(f.server->wait_idle(in_time()));
  REQUIRE(ran.has_value());
  CHECK((*ran == std::this_thread::get_id()) == (prompt && !large));
}

TEST_CASE("Progress that a local caller is too slow for is dropped, oldest first", "[mcp]") {
  constexpr int kReported = 1000;
  std::atomic<bool> reported = false;
  const Fixture f([&](const std::shared_ptr<ToolCall>& call) {
    for (int i = 1; i <= kReported; ++i) call->progress(std::to_string(i));
    reported = true;
    call->reply(ToolResult::text(""));
  });
  std::vector<std::string> progress;
  const auto result = f.server->call("tool", Json::object(), "ann", in_time(), [&](std::string_view message) {
    REQUIRE(eventually([&] { return reported.load(); }));
    progress.emplace_back(message);
  });
  REQUIRE(result);
  REQUIRE(progress.size() <= 128);  // what was queued before the first was taken, and after
  REQUIRE(progress.back() == std::to_string(kReported));
}

TEST_CASE("A local call of an unknown tool or with bad arguments says so", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>& call) { call->reply(ToolResult::text("")); });
  const auto unknown = f.server->call("tol", Json::object(), "ann", in_time(), nullptr);
  REQUIRE_FALSE(unknown);
  REQUIRE(unknown.error().code == ErrorCode::not_found);
  REQUIRE_THAT(unknown.error().message, test::ContainsSubstring("\"tool\""));
  const auto invalid = f.server->call("tool", Json{{"m", 1}}, "ann", in_time(), nullptr);
  REQUIRE(invalid);
  REQUIRE(invalid->is_error);
  REQUIRE_FALSE(f.server->call("tool", Json::array(), "ann", in_time(), nullptr));
}

TEST_CASE("A local call that fails inside is an internal error", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>&) { throw std::runtime_error("inner reason"); });
  const auto result = f.server->call("tool", Json::object(), "ann", in_time(), nullptr);
  REQUIRE_FALSE(result);
  REQUIRE(result.error().code == ErrorCode::internal);
  REQUIRE_THAT(result.error().message, !test::ContainsSubstring("inner reason"));
}

TEST_CASE("A local call ends with its deadline, and its tool is told to stop", "[mcp]") {
  Held held;
  const Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); });
  const Op op{{}, Deadline::after(std::chrono::milliseconds(10))};
  const auto result = f.server->call("tool", Json::object(), "ann", op, nullptr);
  REQUIRE_FALSE(result);
  REQUIRE(result.error().code == ErrorCode::deadline_exceeded);
  REQUIRE(eventually([&] { return held.count() == 1; }));
  const auto call = held.take();
  REQUIRE(call->op().stop.stop_requested());
  call->reply(ToolResult::text("late"));
  REQUIRE(f.server->wait_idle(in_time()));
}

TEST_CASE("A local call ends with its stop token", "[mcp]") {
  Held held;
  const Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); });
  std::stop_source stop;
  std::thread stopper([&] {
    eventually([&] { return held.count() == 1; });
    stop.request_stop();
  });
  const auto result = f.server->call("tool", Json::object(), "ann", Op{stop.get_token()}, nullptr);
  stopper.join();
  REQUIRE_FALSE(result);
  REQUIRE(result.error().code == ErrorCode::cancelled);
  held.take()->reply(ToolResult::text(""));
}

TEST_CASE("A local call that asks the user is told that nobody is there", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>& call) {
    REQUIRE_FALSE(call->can_ask("form"));
    call->ask({{"name", InputRequest{"elicitation/create", Json::object()}}}, nullptr);
  });
  const auto result = f.server->call("tool", Json::object(), "ann", in_time(), nullptr);
  REQUIRE(result);
  REQUIRE(result->is_error);
}

TEST_CASE("Local calls are bounded like any others", "[mcp]") {
  Held held;
  ServerOptions options;
  options.max_in_flight = 1;
  const Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); }, options);
  f.call(std::make_shared<Client>(), 1, f.peer);
  REQUIRE(eventually([&] { return held.count() == 1; }));
  const auto busy = f.server->call("tool", Json::object(), f.peer.principal, in_time(), nullptr);
  REQUIRE_FALSE(busy);
  REQUIRE(busy.error().code == ErrorCode::resource_exhausted);
  held.take()->reply(ToolResult::text(""));
}

TEST_CASE("The calls of one principal do not count for another", "[mcp]") {
  Held held;
  ServerOptions options;
  options.max_in_flight = 1;
  const Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); }, options);
  Peer bob{"bob", make_session(), false};
  const auto ann_client = std::make_shared<Client>();
  const auto bob_client = std::make_shared<Client>();
  f.call(ann_client, 1, f.peer);
  f.call(bob_client, 1, bob);
  REQUIRE(eventually([&] { return held.count() == 2; }));
  REQUIRE(f.server->in_flight() == 2);
  f.call(ann_client, 2, f.peer);
  REQUIRE_THAT(ann_client->only().text, test::ContainsSubstring("busy"));
  held.take()->reply(ToolResult::text(""));
  held.take()->reply(ToolResult::text(""));
}

TEST_CASE("A principal cannot cancel the call of another connection", "[mcp]") {
  Held held;
  const Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); });
  f.call(std::make_shared<Client>(), 1, f.peer);
  REQUIRE(eventually([&] { return held.count() == 1; }));
  const Peer other{"local", make_session(), false};
  f.server->receive(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})",
                    std::make_shared<Client>(), other);
  const auto call = held.take();
  REQUIRE_FALSE(call->op().stop.stop_requested());
  call->reply(ToolResult::text(""));
}

TEST_CASE("A closed connection cancels modern calls when the transport says so", "[mcp]") {
  Held held;
  Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); });
  const bool cancels = GENERATE(true, false);
  f.peer.cancel_on_close = cancels;
  const auto client = std::make_shared<Client>();
  f.server->receive(std::string(kModernCall), client, f.peer);
  REQUIRE(eventually([&] { return held.count() == 1; }));
  client->close();
  const auto call = held.take();
  if (cancels) REQUIRE(eventually([&] { return call->op().stop.stop_requested(); }));
  REQUIRE(call->op().stop.stop_requested() == cancels);
  call->reply(ToolResult::text(""));
  REQUIRE(f.server->wait_idle(in_time()));
  REQUIRE(client->count() == (cancels ? 0 : 1));
}

TEST_CASE("A closed connection does not cancel legacy calls", "[mcp]") {
  Held held;
  Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); });
  f.peer.cancel_on_close = true;
  const auto client = std::make_shared<Client>();
  f.call(client, 1, f.peer);
  REQUIRE(eventually([&] { return held.count() == 1; }));
  client->close();
  const auto call = held.take();
  REQUIRE_FALSE(call->op().stop.stop_requested());
  call->reply(ToolResult::text(""));
}

TEST_CASE("A closed connection ends its subscriptions", "[mcp]") {
  ServerOptions options;
  options.max_subscriptions = 1;
  const Fixture f([](const std::shared_ptr<ToolCall>&) {}, options);
  const std::string listen =
      R"({"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{},"_meta":{
          "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})";
  for (int i = 0; i < 3; ++i) {
    const auto client = std::make_shared<Client>();
    f.server->receive(listen, client, f.peer);
    REQUIRE_THAT(client->only().text, test::ContainsSubstring("acknowledged"));
    client->close();
  }
}

TEST_CASE("Oversized messages are answered without an id", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>&) {});
  const auto client = std::make_shared<Client>();
  f.server->receive_oversized(client, f.peer, 1000);
  REQUIRE(client->only().error_code == -32600);
  REQUIRE_THAT(client->only().text, test::ContainsSubstring("1000 bytes"));
}

TEST_CASE("Messages without a session are served", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>& call) { call->reply(ToolResult::text("ok")); });
  const auto client = std::make_shared<Client>();
  f.server->receive(std::string(kModernCall), client, Peer{});
  REQUIRE(client->only().kind == Message::Kind::response);
}

TEST_CASE("After shutdown requests are refused and calls told to stop", "[mcp]") {
  Held held;
  const Fixture f([&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); });
  const auto client = std::make_shared<Client>();
  f.call(client, 1, f.peer);
  REQUIRE(eventually([&] { return held.count() == 1; }));
  f.server->shutdown();
  const auto call = held.take();
  REQUIRE(call->op().stop.stop_requested());
  REQUIRE(f.server->in_flight() == 1);
  call->reply(ToolResult::text("too late"));
  REQUIRE(f.server->in_flight() == 0);
  f.call(client, 2, f.peer);
  REQUIRE(client->count() == 2);
  for (const Message& message : client->messages())
    REQUIRE_THAT(message.text, test::ContainsSubstring("ending"));
  REQUIRE_FALSE(f.server->call("tool", Json::object(), "ann", in_time(), nullptr));
}

TEST_CASE("Deferred work runs on a worker and may answer", "[mcp]") {
  std::atomic<bool> on_other_thread = false;
  const Fixture f([&](const std::shared_ptr<ToolCall>& call) {
    std::thread completion([&, call] {
      const auto id = std::this_thread::get_id();
      call->defer([&, call, id] {
        on_other_thread = std::this_thread::get_id() != id;
        call->reply(ToolResult::text("deferred"));
      });
    });
    completion.join();
  });
  const auto result = f.server->call("tool", Json::object(), "ann", in_time(), nullptr);
  REQUIRE(result);
  REQUIRE(on_other_thread);
}

TEST_CASE("An exception in deferred work is an internal error", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>& call) {
    call->defer([] { throw std::runtime_error("inner reason"); });
  });
  const auto result = f.server->call("tool", Json::object(), "ann", in_time(), nullptr);
  REQUIRE_FALSE(result);
  REQUIRE(result.error().code == ErrorCode::internal);
}

TEST_CASE("Cross-field violations read like those of the schema", "[mcp]") {
  const Fixture f([](const std::shared_ptr<ToolCall>& call) { call->reject({{"/n", "is one too many"}}); });
  const auto result = f.server->call("tool", Json::object(), "ann", in_time(), nullptr);
  REQUIRE(result);
  REQUIRE(result->is_error);
  REQUIRE_THAT(result->content.front().text, test::ContainsSubstring("is one too many"));
}

TEST_CASE("Calls that outlive their server are harmless", "[mcp]") {
  Held held;
  {
    WorkerPool pool({1, 4});
    auto server = make_server(
        {}, {Tool{kTool, [&](std::shared_ptr<ToolCall> call) { held.add(std::move(call)); }}}, pool);
    REQUIRE(server);
    const Peer peer{"local", make_session(), false};
    (*server)->receive(R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"tool"},"id":1})",
                       std::make_shared<Client>(), peer);
    REQUIRE(eventually([&] { return held.count() == 1; }));
    server = Error{};
    const auto call = held.take();
    REQUIRE(call->op().stop.stop_requested());
    call->progress("still here");
    call->reply(ToolResult::text("nobody listens"));
  }
}

TEST_CASE("Many calls, cancellations and reused ids at once answer each id at most once", "[mcp]") {
  constexpr int kCalls = 300;
  constexpr int kThreads = 4;
  const Fixture f([](const std::shared_ptr<ToolCall>& call) {
    call->progress("x");
    call->defer([call] { call->reply(ToolResult::text("done")); });
  });
  std::vector<std::shared_ptr<Client>> clients;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    const auto client = std::make_shared<Client>();
    clients.push_back(client);
    threads.emplace_back([&f, client] {
      const Peer peer{"local", make_session(), false};
      for (int i = 0; i < kCalls; ++i) {
        f.call(client, i, peer);
        if (i % 3 != 0) continue;
        f.server->receive(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" +
                              std::to_string(i) + "}}",
                          client, peer);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(f.server->wait_idle(in_time()));
  for (const auto& client : clients) {
    std::map<Json, int> answers;
    for (const Message& message : client->messages()) ++answers[message.id];
    for (const auto& [id, count] : answers) REQUIRE(count == 1);
    REQUIRE(answers.size() >= static_cast<std::size_t>(kCalls - kCalls / 3));
  }
}

}  // namespace rexec::mcp
