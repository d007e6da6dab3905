// Opens a terminal in a sandbox of a server that runs, or in a persistent one, as a tool of an assistant
// would.
//
// Usage: rexec-terminal-opener SANDBOX COLUMNS ROWS COMMAND; prints the terminal's name. REXEC_STATE_DIR says
// where the sandboxes are.
#include <cstdlib>
#include <future>
#include <iostream>

#include "app/reachable.h"
#include "sandbox-client/local/local_backend.h"

namespace rexec {
namespace {

constexpr std::chrono::seconds kLimit{60};

class SandboxesOnly final : public app::Program {
 public:
  Result<mcp::Server*> server() override { return Error{ErrorCode::unsupported, "there is none"}; }
  sandbox::Backend& backend() override { return *backend_; }
  sandbox::Reactor& reactor() override { return *reactor_; }
  Result<std::unique_ptr<mcp::Transport>> connect_stdio() override {
    return Error{ErrorCode::unsupported, "there is none"};
  }
  void shutdown() override {}

 private:
  std::unique_ptr<sandbox::Reactor> reactor_ = sandbox::make_reactor();
  std::unique_ptr<sandbox::Backend> backend_ = sandbox::make_local_backend({}, *reactor_);
};

Result<std::uint64_t> open_terminal(const std::string& name, const sandbox::TerminalSpec& spec) {
  SandboxesOnly program;
  const Op op{{}, Deadline::after(kLimit)};
  ASSIGN_OR_RETURN(const auto all, app::reachable_sandboxes(program.backend(), op));
  const auto found = app::sandboxes_named(all, name);
  if (found.size() != 1) return Error{ErrorCode::not_found, std::to_string(found.size()) + " such sandboxes"};
  ASSIGN_OR_RETURN(const auto runner, app::connect_to(program, found.front(), op));
  std::promise<Result<sandbox::TerminalReport>> promise;
  runner->open_terminal(
      spec, op, [&promise](Result<sandbox::TerminalReport> report) { promise.set_value(std::move(report)); });
  ASSIGN_OR_RETURN(const auto report, promise.get_future().get());
  runner->close();
  return report.terminal;
}

}  // namespace
}  // namespace rexec

int main(int count, char** words) {
  if (count != 5) return 2;
  rexec::sandbox::TerminalSpec spec;
  spec.command = words[4];
  spec.env = {{"TERM", "xterm-256color"}};
  spec.size = {static_cast<unsigned>(std::atoi(words[2])), static_cast<unsigned>(std::atoi(words[3]))};
  const auto opened = rexec::open_terminal(words[1], spec);
  if (!opened) {
    std::cerr << opened.error().message << '\n';
    return 1;
  }
  std::cout << 't' << *opened << '\n';
  return 0;
}
