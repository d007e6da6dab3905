// A sandbox manager over fakes, for the tests of its files.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/thread_annotations.h"
#include "sandbox-client/manager.h"
#include "sandbox-client/runner/wire_terminal.h"
#include "tests/support/catch.h"
#include "tests/support/fake_sandbox.h"
#include "tests/support/fake_wire.h"

namespace rexec::test {

inline const sandbox::Caller kAlice{"alice"};

// A manager over a FakeBackend; each sandbox has a FakeWire as its runner.
struct ManagerFixture {
  std::unique_ptr<sandbox::Reactor> reactor = sandbox::make_reactor();
  FakeClock clock;
  std::atomic<int> running = 0;    // processes that every runner reports
  std::atomic<int> terminals = 0;  // that every runner has open
  std::atomic<int> asked = 0;      // how often one was asked for both
  Mutex mutex;
  std::map<sandbox::SandboxId, std::unique_ptr<FakeWire>> wires REXEC_GUARDED_BY(mutex);
  std::set<sandbox::SandboxId> refused REXEC_GUARDED_BY(mutex);  // no further connections
  FakeBackend* backend = nullptr;
  std::unique_ptr<sandbox::SandboxManager> manager;

  explicit ManagerFixture(sandbox::ManagerLimits limits = {}) {
    auto made = std::make_unique<FakeBackend>();
    backend = made.get();
    backend->on_open_channel = [this](const sandbox::SandboxId& id, const Op&) { return open(id); };
    sandbox::SandboxSpec spec;
    spec.labels = {{"made", "by default"}};
    manager = sandbox::make_sandbox_manager(std::move(made), *reactor, clock, limits, spec);
  }
  ~ManagerFixture() { manager.reset(); }
  ManagerFixture(const ManagerFixture&) = delete;
  ManagerFixture& operator=(const ManagerFixture&) = delete;

  Result<std::unique_ptr<sandbox::Channel>> open(const sandbox::SandboxId& id) {
    const MutexLock lock(mutex);
    if (refused.count(id) != 0) return Error{ErrorCode::unavailable, "the sandbox has ended"};
    auto& wire = wires[id];
    if (!wire) {
      wire = std::make_unique<FakeWire>();
      wire->handler = [this](FakeWire& to, const WireFrame& frame) {
        if (frame.type == runner::MessageType::list_terminals) {
          ++asked;
          runner::TerminalList list;
          list.entries.resize(static_cast<std::size_t>(terminals));
          for (runner::TerminalEntry& entry : list.entries) {
            entry.terminal = static_cast<std::uint64_t>(&entry - list.entries.data()) + 1;
            entry.pid = 1;
            entry.size = {80, 24};
          }
          to.reply(frame, runner::MessageType::terminal_list, list);
          return true;
        }
        if (frame.type != runner::MessageType::list) return false;
        runner::ProcessList list;
        list.entries.resize(static_cast<std::size_t>(running));
        to.reply(frame, runner::MessageType::process_list, list);
        return true;
      };
    }
    return wire->connect(*reactor);
  }
  // The sandbox dies: its connection ends and cannot be made again.
  void kill(const sandbox::SandboxId& id) {
    const MutexLock lock(mutex);
    refused.insert(id);
    wires[id]->disconnect();
  }
  std::size_t called(const std::string& what) const {
    const auto calls = backend->calls();
    return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), what));
  }
  Result<sandbox::SandboxRecord> create(const sandbox::Caller& caller, const std::string& name,
                                        std::optional<Duration> expires_in = std::nullopt) {
    sandbox::CreateRequest request;
    request.spec.name = name;
    request.expires_in = expires_in;
    return manager->create(caller, request, Op{});
  }
  ErrorCode acquire_error(const sandbox::Caller& caller, const std::string& name) {
    const auto handle = manager->acquire(caller, name, Op{});
    REQUIRE_FALSE(handle.ok());
    return handle.error().code;
  }
};

}  // namespace rexec::test
