#include "tests/sessions/wires.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>
#include <utility>

#include "base/fd.h"

namespace rexec::test {
namespace {

constexpr auto kDrain = std::chrono::milliseconds(1500);

class MemoryWire final : public Wire {
 public:
  explicit MemoryWire(mcp::Endpoint& endpoint)
      : endpoint_(endpoint), connection_(transport::connect_in_memory(endpoint, "local")) {}
  ~MemoryWire() override {
    if (end_.joinable()) end_.join();
  }

  void send(const std::string& text) override { connection_->send(text); }
  std::optional<std::string> receive(Deadline deadline) override { return connection_->receive(deadline); }

  void end_input() override {
    end_ = std::thread([this] {
      (void)endpoint_.wait_idle(Op{{}, Deadline::after(kDrain)});
      endpoint_.shutdown();
      (void)endpoint_.wait_idle(Op{{}, Deadline::after(kDrain)});
    });
  }

  bool ends(Deadline) override {
    if (!end_.joinable()) return false;
    end_.join();
    return !connection_->receive(Deadline::after(Duration::zero()));
  }

 private:
  mcp::Endpoint& endpoint_;
  const std::unique_ptr<transport::MemoryConnection> connection_;
  std::thread end_;
};

FdPair checked_pipe() {
  auto pipe = make_pipe();
  if (!pipe) throw std::runtime_error(pipe.error().message);
  return std::move(pipe).value();
}

class StdioWire final : public Wire {
 public:
  StdioWire(mcp::Endpoint& endpoint, transport::StdioOptions options) {
    ::signal(SIGPIPE, SIG_IGN);
    FdPair to_server = checked_pipe();
    FdPair from_server = checked_pipe();
    write_ = std::move(to_server.second);
    read_ = std::move(from_server.first);
    transport_ =
        transport::make_stdio_transport({std::move(to_server.first), std::move(from_server.second)}, options);
    server_ = std::thread([this, &endpoint] { (void)transport_->serve(endpoint, {}).ok(); });
  }

  ~StdioWire() override {
    write_.reset();
    read_.reset();
    server_.join();
  }

  void send(const std::string& text) override {
    if (!write_all(write_.get(), text + "\n")) throw std::runtime_error("the server does not read");
  }

  std::optional<std::string> receive(Deadline deadline) override {
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      pollfd fd{read_.get(), POLLIN, 0};
      if (ended_ || ::poll(&fd, 1, deadline.poll_ms()) <= 0) return std::nullopt;
      char bytes[4096];
      const auto count = ::read(read_.get(), bytes, sizeof bytes);
      if (count > 0) {
        buffer_.append(bytes, static_cast<std::size_t>(count));
      } else {
        ended_ = true;
      }
    }
  }

  void end_input() override { write_.reset(); }
  bool ends(Deadline deadline) override { return !receive(deadline) && ended_ && buffer_.empty(); }

 private:
  UniqueFd write_;
  UniqueFd read_;
  std::string buffer_;
  bool ended_ = false;
  std::unique_ptr<mcp::Transport> transport_;
  std::thread server_;
};

}  // namespace

std::unique_ptr<Wire> memory_wire(mcp::Endpoint& endpoint) {
  return std::make_unique<MemoryWire>(endpoint);
}

std::unique_ptr<Wire> stdio_wire(mcp::Endpoint& endpoint, transport::StdioOptions options) {
  return std::make_unique<StdioWire>(endpoint, options);
}

}  // namespace rexec::test
