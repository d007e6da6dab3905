#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/catch.h"

namespace rexec {
namespace {

using test::ContainsSubstring;

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}
bool is_close_on_exec(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rexec-fd-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, std::string_view contents) const {
    const UniqueFd fd(::open(file(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    CHECK(write_all(fd.get(), contents).ok());
    return file(name);
  }

 private:
  std::string path_;
};

TEST_CASE("a UniqueFd closes what it owns, once", "[base][fd]") {
  Result<FdPair> pipe = make_pipe();
  REQUIRE(pipe.ok());
  const int number = pipe->first.get();
  {
    UniqueFd moved(std::move(pipe->first));
    CHECK_FALSE(pipe->first.valid());
    CHECK(moved.get() == number);
    moved = UniqueFd(std::move(moved));
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
  const int released = pipe->second.release();
  CHECK(is_open(released));
  UniqueFd owner(released);
  owner.reset();
  CHECK_FALSE(is_open(released));
  owner.reset();
}

TEST_CASE("closing does not disturb errno", "[base][fd]") {
  errno = EPERM;
  { const UniqueFd closed_already(1'000'000); }
  CHECK(errno == EPERM);
}

TEST_CASE("every descriptor that is made is close-on-exec", "[base][fd]") {
  const Result<FdPair> pipe = make_pipe();
  const Result<FdPair> sockets = make_socket_pair();
  REQUIRE((pipe.ok() && sockets.ok()));
  const Result<UniqueFd> copy = duplicate(pipe->first.get());
  REQUIRE(copy.ok());
  for (const int fd :
       {pipe->first.get(), pipe->second.get(), sockets->first.get(), sockets->second.get(), copy->get()}) {
    CHECK(is_close_on_exec(fd));
  }
  CHECK(copy->get() > 2);
}

TEST_CASE("calls on a closed descriptor are errors", "[base][fd]") {
  CHECK(duplicate(-1).error().code == ErrorCode::invalid_argument);
  CHECK(set_nonblocking(-1).error().code == ErrorCode::invalid_argument);
  CHECK(write_all(-1, "x").error().code == ErrorCode::invalid_argument);
  CHECK(write_all(-1, "").ok());
}

TEST_CASE("write_all waits for a slow reader of a non-blocking pipe", "[base][fd]") {
  Result<FdPair> pipe = make_pipe();
  REQUIRE(pipe.ok());
  REQUIRE(set_nonblocking(pipe->second.get()).ok());
  const std::string sent(1'000'000, 'x');
  std::string received;
  std::thread reader([&] {
    char buffer[5000];
    for (ssize_t got = 0; (got = ::read(pipe->first.get(), buffer, sizeof buffer)) > 0;) {
      received.append(buffer, static_cast<std::size_t>(got));
    }
  });
  const Status written = write_all(pipe->second.get(), sent);
  pipe->second.reset();
  reader.join();
  CHECK(written.ok());
  CHECK(received == sent);
}

TEST_CASE("write_all reports a reader that is gone", "[base][fd]") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Result<FdPair> pipe = make_pipe();
  REQUIRE(pipe.ok());
  pipe->first.reset();
  CHECK(write_all(pipe->second.get(), "x").error().code == ErrorCode::unavailable);
  std::signal(SIGPIPE, before);
}

TEST_CASE("read_whole_file reads up to the limit and not a byte more", "[base][fd]") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("data", std::string("a\0b", 3) + std::string(200'000, 'x'));
  CHECK(read_whole_file(path, 200'003)->size() == 200'003);
  CHECK(read_whole_file(path, 1'000'000)->substr(0, 3) == std::string("a\0b", 3));
  const Result<std::string> refused = read_whole_file(path, 200'002);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::resource_exhausted);
  CHECK_THAT(refused.error().message, ContainsSubstring("limit of 200002 bytes"));
  CHECK(read_whole_file(directory.write("empty", ""), 0).value().empty());
  CHECK_FALSE(read_whole_file(directory.write("one", "1"), 0).ok());
}

TEST_CASE("read_whole_file reads files that claim to be empty", "[base][fd]") {
  CHECK_FALSE(read_whole_file("/proc/self/status", 1'000'000)->empty());
  CHECK(read_whole_file("/proc/self/status", 10).error().code == ErrorCode::resource_exhausted);
}

TEST_CASE("read_whole_file refuses what is not a regular file and never waits", "[base][fd]") {
  const TemporaryDirectory directory;
  const std::string fifo = directory.file("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(read_whole_file(fifo, 10).error().code == ErrorCode::invalid_argument);
  CHECK(read_whole_file("/dev/zero", 10).error().code == ErrorCode::invalid_argument);
  CHECK(read_whole_file("/", 10).error().code == ErrorCode::invalid_argument);
  CHECK(read_whole_file(directory.file("missing"), 10).error().code == ErrorCode::not_found);
}

}  // namespace
}  // namespace rexec
