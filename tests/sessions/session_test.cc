// Plays every .session file of the directories named after protocol versions, in memory and over pipes.
// UPDATE_SESSIONS=1 rewrites the expectations with what the server says.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mcp/protocol_version.h"
#include "mcp/server.h"
#include "tests/sessions/fake_features.h"
#include "tests/sessions/fake_tools.h"
#include "tests/sessions/session_file.h"
#include "tests/sessions/wires.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::test {
namespace {

using Kind = SessionLine::Kind;

constexpr std::size_t kMaxMessage = 4096;

struct Setup {
  mcp::ServerOptions server;
  WorkerPool::Options pool{4, 64};
  transport::StdioOptions stdio;
  bool features = false;  // resources, prompts and completion
};

Setup read_setup(const SessionFile& file) {
  Setup setup;
  setup.server.version = "1.2.3";
  setup.server.instructions = "Use the tools.";
  setup.stdio.max_message = kMaxMessage;
  setup.stdio.watchdog = std::chrono::seconds(60);
  const std::map<std::string, std::function<void(std::size_t)>> options = {
      {"max_depth", [&](std::size_t n) { setup.server.max_depth = n; }},
      {"max_batch", [&](std::size_t n) { setup.server.max_batch = n; }},
      {"max_in_flight", [&](std::size_t n) { setup.server.max_in_flight = n; }},
      {"features", [&](std::size_t n) { setup.features = n != 0; }},
      {"max_watched", [&](std::size_t n) { setup.server.max_watched = n; }},
      {"list_page", [&](std::size_t n) { setup.server.list_page = n; }},
      {"update_interval_ms",
       [&](std::size_t n) { setup.server.update_interval = std::chrono::milliseconds(n); }},
      {"max_subscriptions", [&](std::size_t n) { setup.server.max_subscriptions = n; }},
      {"tools_page", [&](std::size_t n) { setup.server.tools_page = n; }},
      {"max_input_rounds", [&](std::size_t n) { setup.server.max_input_rounds = n; }},
      {"input_deadline_ms",
       [&](std::size_t n) { setup.server.input_deadline = std::chrono::milliseconds(n); }},
      {"list_ttl_ms", [&](std::size_t n) { setup.server.list_ttl = std::chrono::milliseconds(n); }},
      {"drain_ms", [&](std::size_t n) { setup.stdio.drain = std::chrono::milliseconds(n); }},
      {"pool_threads", [&](std::size_t n) { setup.pool.threads = n; }},
      {"pool_queue", [&](std::size_t n) { setup.pool.queue = n; }},
  };
  for (const SessionLine& line : file.lines) {
    if (line.kind != Kind::option) continue;
    const auto space = line.text.find(' ');
    options.at(line.text.substr(0, space))(std::stoul(line.text.substr(space)));
  }
  return setup;
}

class Player {
 public:
  Player(SessionFile& file, Wire& wire, FakeTools& tools, FakeFeatures& features, bool modern, bool update)
      : file_(file), wire_(wire), tools_(tools), features_(features), modern_(modern), update_(update) {}

  void play() {
    for (std::size_t i = 0; i < file_.lines.size(); ++i) {
      SessionLine& line = file_.lines[i];
      INFO(file_.path << ":" << line.number << ": " << line.text);
      switch (line.kind) {
        case Kind::text:
        case Kind::option:
          break;
        case Kind::send:
          wire_.send(substitute(line.text, captures_));
          break;
        case Kind::end_of_input:
          wire_.end_input();
          ended_ = true;
          break;
        case Kind::expect:
          expect(line);
          break;
        case Kind::expect_unordered:
          i = expect_block(i);
          break;
        case Kind::nothing:
          expect_nothing();
          break;
        case Kind::end_of_output:
          REQUIRE(wire_.ends(Deadline::after(kEventuallyLimit)));
          break;
        case Kind::event:
          wait_for_event(line.text);
          break;
        case Kind::release:
          tools_.release();
          break;
        case Kind::change:
          features_.change(line.text);
          break;
      }
    }
    INFO(file_.path << ": at the end");
    if (!ended_) expect_nothing();
  }

 private:
  Json next_message() {
    const auto text = wire_.receive(Deadline::after(kEventuallyLimit));
    REQUIRE(text);
    auto message = parse_json(*text);
    REQUIRE(message);
    return *std::move(message);
  }

  void check(SessionLine& line, const Json& expected, const Json& actual) {
    if (update_) {
      line.text = dump_json(updated_expectation(expected, actual, captures_));
      return;
    }
    INFO("came: " << dump_json(actual));
    REQUIRE(matches(expected, actual, captures_));
  }

  static Json expectation(const SessionLine& line) {
    auto expected = parse_json(line.text);
    return expected ? *std::move(expected) : Json("(not JSON)");
  }

  void expect(SessionLine& line) { check(line, expectation(line), next_message()); }

  /// The index of the block's last line.
  std::size_t expect_block(std::size_t first) {
    std::vector<SessionLine*> open;
    std::size_t end = first;
    for (; end < file_.lines.size() && file_.lines[end].kind == Kind::expect_unordered; ++end) {
      open.push_back(&file_.lines[end]);
    }
    while (!open.empty()) {
      const Json actual = next_message();
      auto found = std::find_if(open.begin(), open.end(), [&](const SessionLine* line) {
        return matches(expectation(*line), actual, captures_);
      });
      if (found == open.end()) found = open.begin();
      check(**found, expectation(**found), actual);
      open.erase(found);
    }
    return end - 1;
  }

  void expect_nothing() {
    const std::string id = "probe-" + std::to_string(++probes_);
    Json probe{{"jsonrpc", "2.0"}, {"id", id}, {"method", modern_ ? "server/discover" : "ping"}};
    if (modern_) {
      probe["params"]["_meta"] = {{"io.modelcontextprotocol/protocolVersion", mcp::modern_versions().front()},
                                  {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
    }
    wire_.send(dump_json(probe));
    const Json answer = next_message();
    INFO("came: " << dump_json(answer));
    REQUIRE(answer["id"] == id);
  }

  void wait_for_event(const std::string& text) {
    const auto colon = text.find(": ");
    const auto space = text.rfind(' ');
    const std::string tool = text.substr(0, colon);
    const std::string event = text.substr(colon + 2, space - colon - 2);
    const int wanted = std::stoi(text.substr(space));
    if (tool == "watch") {
      REQUIRE(eventually([&] { return features_.watching(event) == wanted; }));
      return;
    }
    REQUIRE(eventually([&] { return tools_.count(tool, event) >= wanted; }));
    REQUIRE(tools_.count(tool, event) == wanted);
  }

  SessionFile& file_;
  Wire& wire_;
  FakeTools& tools_;
  FakeFeatures& features_;
  const bool modern_;
  const bool update_;
  Captures captures_;
  int probes_ = 0;
  bool ended_ = false;
};

std::vector<std::filesystem::path> session_paths() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(REXEC_SESSIONS_DIR)) {
    if (entry.path().extension() == ".session") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

using MakeWire = std::function<std::unique_ptr<Wire>(mcp::Server&, const Setup&)>;

void play(const std::filesystem::path& path, const MakeWire& make_wire, bool update) {
  SessionFile file = read_session(path.string());
  const auto version = mcp::parse_version(path.parent_path().filename().string());
  REQUIRE(version);
  const Setup setup = read_setup(file);
  FakeTools tools;
  FakeFeatures features;
  WorkerPool pool(setup.pool);
  auto server = mcp::make_server(setup.server, tools.tools(), pool,
                                 setup.features ? features.features() : mcp::Features{});
  if (!server) FAIL(server.error().message);
  const auto wire = make_wire(**server, setup);
  Player(file, *wire, tools, features, mcp::era_of(*version) == mcp::Era::modern, update).play();
  if (update) write_session(file);
  tools.release();
}

}  // namespace

TEST_CASE("sessions hold in memory", "[sessions]") {
  const bool update = std::getenv("UPDATE_SESSIONS") != nullptr;
  for (const auto& path : session_paths()) {
    DYNAMIC_SECTION(path.parent_path().filename().string() << "/" << path.stem().string()) {
      play(
          path, [](mcp::Server& server, const Setup&) { return memory_wire(server); }, update);
    }
  }
}

TEST_CASE("sessions hold over stdio", "[sessions]") {
  for (const auto& path : session_paths()) {
    DYNAMIC_SECTION(path.parent_path().filename().string() << "/" << path.stem().string()) {
      play(
          path, [](mcp::Server& server, const Setup& setup) { return stdio_wire(server, setup.stdio); },
          false);
    }
  }
}

}  // namespace rexec::test
