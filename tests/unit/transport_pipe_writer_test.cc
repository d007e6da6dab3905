#include "transport/pipe_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::transport {
namespace {

using test::eventually;

mcp::Message message(std::string text) {
  mcp::Message made;
  made.text = std::move(text);
  return made;
}

std::string read_until_end(int fd) {
  std::string text;
  char bytes[65536];
  for (;;) {
    const auto count = ::read(fd, bytes, sizeof bytes);
    if (count <= 0) return text;
    text.append(bytes, static_cast<std::size_t>(count));
  }
}

Deadline soon() {
  return Deadline::after(test::kEventuallyLimit);
}

struct Connected {
  explicit Connected(std::size_t max_queued, bool socket = false) {
    ::signal(SIGPIPE, SIG_IGN);
    FdPair pair = (socket ? make_socket_pair() : make_pipe()).value();
    reader = std::move(pair.first);
    writer = PipeWriter::make(std::move(pair.second), max_queued).value();
  }

  /// True when a message can be read as soon as it is sent, without anybody else's help. Reads it.
  bool sends_directly() {
    REQUIRE(writer->send(message("one")));
    pollfd fd{reader.get(), POLLIN, 0};
    const bool direct = ::poll(&fd, 1, 0) == 1;
    char bytes[16];
    REQUIRE(::read(reader.get(), bytes, sizeof bytes) == 4);
    return direct;
  }

  /// Waits until the thread has nothing to do: from then on senders write by themselves. The thread may still
  /// have had some of the messages before, so one that came directly proves nothing.
  bool becomes_idle() {
    constexpr int kInARow = 100;
    return eventually([&] {
      int direct = 0;
      while (direct < kInARow && sends_directly()) ++direct;
      return direct == kInARow;
    });
  }

  UniqueFd reader;
  std::shared_ptr<PipeWriter> writer;
};

}  // namespace

TEST_CASE("Messages are written whole and in order, whatever their size", "[transport]") {
  const bool socket = GENERATE(false, true);
  Connected c(64 << 20, socket);
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string text(static_cast<std::size_t>(i) * 997, static_cast<char>('a' + i % 26));
    expected += text + "\n";
    REQUIRE(c.writer->send(message(text)));
  }
  std::thread finisher([&] { c.writer->finish(soon()); });
  REQUIRE(read_until_end(c.reader.get()) == expected);
  finisher.join();
}

TEST_CASE("Messages of many threads are never mixed", "[transport]") {
  Connected c(64 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i)
        (void)c.writer->send(message(std::string(100, static_cast<char>('a' + t)))).ok();
    });
  }
  std::thread finisher([&] {
    for (auto& thread : threads) thread.join();
    c.writer->finish(soon());
  });
  const std::string text = read_until_end(c.reader.get());
  finisher.join();
  REQUIRE(text.size() == 4 * 300 * 101);
  for (std::size_t at = 0; at < text.size(); at += 101) {
    REQUIRE(text.substr(at, 101) == std::string(100, text[at]) + "\n");
  }
}

TEST_CASE("A sender writes by itself once the thread has nothing to do", "[transport]") {
  const bool socket = GENERATE(false, true);
  Connected c(1 << 20, socket);
  REQUIRE(c.becomes_idle());
}

TEST_CASE("What a sender could not write by itself goes before what comes later", "[transport]") {
  Connected c(1 << 20);
  REQUIRE(::fcntl(c.reader.get(), F_SETPIPE_SZ, 4096) == 4096);
  std::string expected;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    const std::string text(3000, letter);
    expected += text + "\n";
    REQUIRE(c.writer->send(message(text)));
  }
  std::thread finisher([&] { c.writer->finish(soon()); });
  REQUIRE(read_until_end(c.reader.get()) == expected);
  finisher.join();
}

TEST_CASE("Messages of the holding thread wait for release", "[transport]") {
  Connected c(1 << 20);
  REQUIRE(c.becomes_idle());
  c.writer->hold();
  REQUIRE(c.writer->send(message("held")));
  pollfd fd{c.reader.get(), POLLIN, 0};
  REQUIRE(::poll(&fd, 1, 0) == 0);
  c.writer->release();
  REQUIRE(::poll(&fd, 1, 10'000) == 1);
  SECTION("messages of others do not wait, nor do many bytes") {
    char bytes[16];
    REQUIRE(::read(c.reader.get(), bytes, sizeof bytes) == 5);
    c.writer->hold();
    std::thread other([&] { (void)c.writer->send(message("other")).ok(); });
    other.join();
    REQUIRE(::poll(&fd, 1, 10'000) == 1);
    c.writer->release();
  }
}

TEST_CASE("A client that does not read is given up at the bound", "[transport]") {
  Connected c(1 << 20);
  Status status;
  int sent = 0;
  while (status.ok() && sent < 1000) {
    status = c.writer->send(message(std::string(10'000, 'x')));
    ++sent;
  }
  REQUIRE_FALSE(status);
  REQUIRE(status.error().code == ErrorCode::resource_exhausted);
  REQUIRE(sent <= 120);  // the bound, and what the pipe holds
  REQUIRE(c.writer->closed().stop_requested());
  REQUIRE(c.writer->send(message("more")).error().code == ErrorCode::unavailable);
}

TEST_CASE("A message larger than the bound is refused", "[transport]") {
  Connected c(1000);
  REQUIRE_FALSE(c.writer->send(message(std::string(1000, 'x'))));
}

TEST_CASE("A closed reading end closes the writer", "[transport]") {
  const bool socket = GENERATE(false, true);
  Connected c(1 << 20, socket);
  c.reader.reset();
  (void)c.writer->send(message("x")).ok();
  REQUIRE(eventually([&] { return c.writer->closed().stop_requested(); }));
  REQUIRE(c.writer->send(message("y")).error().code == ErrorCode::unavailable);
}

TEST_CASE("Finishing gives up at its deadline", "[transport]") {
  const bool socket = GENERATE(false, true);
  Connected c(64 << 20, socket);
  REQUIRE(c.writer->send(message(std::string(8 << 20, 'x'))));
  const auto begin = std::chrono::steady_clock::now();
  c.writer->finish(Deadline::after(std::chrono::milliseconds(20)));
  REQUIRE(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  c.writer->finish(soon());
}

TEST_CASE("The flags of a shared pipe are left alone", "[transport]") {
  FdPair pair = make_pipe().value();
  const UniqueFd shared = duplicate(pair.second.get()).value();
  const auto writer = PipeWriter::make(std::move(pair.second), 1 << 20).value();
  REQUIRE((::fcntl(shared.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("Messages can go to a file", "[transport]") {
  char path[] = "/tmp/rexec-writer-XXXXXX";
  UniqueFd file(::mkostemp(path, O_CLOEXEC));
  REQUIRE(file.valid());
  const auto writer = PipeWriter::make(std::move(file), 1 << 20).value();
  const std::string text(100'000, 'x');
  REQUIRE(writer->send(message(text)));
  writer->finish(soon());
  REQUIRE(read_whole_file(path, 1 << 20).value() == text + "\n");
  ::unlink(path);
}

}  // namespace rexec::transport
