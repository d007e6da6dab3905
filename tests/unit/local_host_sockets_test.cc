#include "sandbox-client/local/host_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>

#include "base/fd.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

void serve(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::copy(path.begin(), path.end(), address.sun_path);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

std::vector<std::string> sockets_in(const std::string& path) {
  const UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto found = find_sockets(directory.get());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("sockets in the first levels of a directory are found, not through links", "[local]") {
  const test::ScratchDirectory scratch;
  scratch.write("root/file");
  scratch.make("root/a/b/c");
  CHECK(sockets_in(scratch.path() + "/root").empty());
  CHECK(sockets_in("/nonexistent").empty());
  serve(scratch.path() + "/root/s");
  serve(scratch.path() + "/root/a/b/t");
  serve(scratch.path() + "/root/a/b/c/too deep");
  serve(scratch.path() + "/outside");
  std::filesystem::create_symlink(scratch.path() + "/outside", scratch.path() + "/root/link");
  CHECK(sockets_in(scratch.path() + "/root") == std::vector<std::string>{"a/b/t", "s"});
  for (char name = 'A'; name < 'H'; ++name) serve(scratch.path() + "/root/" + name);
  CHECK(sockets_in(scratch.path() + "/root").size() == kMaxSocketsShown);
}

TEST_CASE("a record says which sockets a sandbox can connect to", "[local]") {
  CHECK(socket_note({}, "/m").empty());
  CHECK(socket_note({"a\n", "b/c"}, "/m") ==
        "the sandbox can connect to sockets of this machine, even in a read-only directory: \"/m/a?\", "
        "\"/m/b/c\"");
}

}  // namespace rexec::sandbox
