#include "sandbox-client/local/mounts.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

using rexec::test::ContainsSubstring;
using rexec::test::ScratchDirectory;

std::string refusal(const MountOptions& options, const std::string& state,
                    std::optional<uid_t> user = std::nullopt) {
  const auto opened = open_mounts(options, user, state);
  return opened ? "" : opened.error().message;
}

}  // namespace

TEST_CASE("a mount is a source and a destination, read-only when it says so", "[local]") {
  CHECK(parse_mount("/a:/b").value() == HostMount{"/a", "/b", false});
  CHECK(parse_mount("data:/b:ro").value() == HostMount{"data", "/b", true});
  CHECK(parse_mount("/with:colon:/b").value() == HostMount{"/with:colon", "/b", false});
  for (const char* wrong : {"", "/a", ":/b", "/a:", "/a:b", "/a:/b:rw", "/a::ro"}) {
    CAPTURE(wrong);
    const auto mount = parse_mount(wrong);
    REQUIRE_FALSE(mount);
    CHECK_THAT(mount.error().message, ContainsSubstring("expected SRC:DST"));
  }
}

TEST_CASE("no mount hides a part of the sandbox", "[local]") {
  for (const char* path :
       {"/",    "/proc",      "/proc/1",    "/dev",    "/dev/shm", "/etc/ssl",   "/usr/local",
        "/bin", "/lib64",     "/run/rexec", "/run",    "/home",    "/home/user", "/tmp",
        "/var", "/var/run/x", "/sys",       "/a/../b", "/a//b",    "/a/"}) {
    CAPTURE(path);
    CHECK_FALSE(check_mounts({{}, {{"/source", path, true}}, {}}));
  }
  for (const char* path : {"/data", "/workspace", "/home/user/data", "/home/other", "/tmp/x", "/var/data"}) {
    CAPTURE(path);
    CHECK(check_mounts({{}, {{"/source", path, true}}, {}}).ok());
  }
}

TEST_CASE("mounts lie apart from each other, and their number is bounded", "[local]") {
  CHECK_FALSE(check_mounts({"/w", {{"/a", "/workspace", true}}, {}}));
  CHECK_FALSE(check_mounts({"/w", {{"/a", "/workspace/inner", true}}, {}}));
  CHECK_FALSE(check_mounts({{}, {{"/a", "/x/y", true}, {"/b", "/x", true}}, {}}));
  CHECK(check_mounts({"/w", {{"/a", "/workspace2", true}}, {}}).ok());
  MountOptions many;
  for (std::size_t i = 0; i < kMaxMounts; ++i) many.mounts.push_back({"/a", "/m" + std::to_string(i), true});
  CHECK(check_mounts(many).ok());
  many.workspace = "/w";
  CHECK_FALSE(check_mounts(many));
}

TEST_CASE("sources that would show too much are refused with the remedy", "[local]") {
  const ScratchDirectory scratch;
  const std::string state = scratch.make("state");
  CHECK_THAT(refusal({"/nonexistent/x", {}, {}}, state), ContainsSubstring("does not exist"));
  CHECK_THAT(refusal({"/", {}, {}}, state), ContainsSubstring("whole file system"));
  CHECK_THAT(refusal({"/dev", {}, {}}, state), ContainsSubstring("devices"));
  CHECK_THAT(refusal({{}, {{"/proc/self", "/p", true}}, {}}, state), ContainsSubstring("kernel"));
  CHECK_THAT(refusal({state, {}, {}}, state), ContainsSubstring("state directory"));
  CHECK_THAT(refusal({scratch.path(), {}, {}}, state), ContainsSubstring("state directory"));
  CHECK_THAT(refusal({scratch.make("state/sandboxes"), {}, {}}, state), ContainsSubstring("state directory"));
  std::filesystem::create_directory_symlink("/", scratch.path() + "/link");
  CHECK_THAT(refusal({scratch.path() + "/link", {}, {}}, state), ContainsSubstring("whole file system"));
  std::ofstream(scratch.path() + "/file") << "x";
  CHECK_THAT(refusal({scratch.path() + "/file", {}, {}}, state),
             ContainsSubstring("workspace is a directory"));
  ::mkfifo((scratch.path() + "/fifo").c_str(), 0600);
  CHECK_THAT(refusal({{}, {{scratch.path() + "/fifo", "/f", true}}, {}}, state),
             ContainsSubstring("neither a directory nor a regular file"));
}

TEST_CASE("a home cannot be writable, and no advice leads to showing it read-only", "[local]") {
  const ScratchDirectory scratch;
  const passwd* user = ::getpwuid(geteuid());
  REQUIRE(user != nullptr);
  if (std::string_view(user->pw_dir) == "/" || !std::filesystem::is_directory(user->pw_dir)) return;
  const std::string text = refusal({user->pw_dir, {}, {}}, scratch.make("state"));
  CHECK_THAT(text, ContainsSubstring("your home"));
  CHECK(text.find("read-only") == std::string::npos);
}

TEST_CASE("sockets in a directory that is shown are noted, also when it is read-only", "[local]") {
  const ScratchDirectory scratch;
  const std::string state = scratch.make("state");
  const std::string shown = scratch.make("shown");
  const MountOptions options{{}, {{shown, "/m", true}}, {}};
  const auto before = open_mounts(options, std::nullopt, state);
  REQUIRE(before);
  CHECK(before->notes.empty());
  REQUIRE(::mknod((shown + "/agent").c_str(), S_IFSOCK | 0600, 0) == 0);
  const auto after = open_mounts(options, std::nullopt, state);
  REQUIRE(after);
  REQUIRE(after->notes.size() == 1);
  CHECK_THAT(after->notes.front(), ContainsSubstring("\"/m/agent\""));
}

TEST_CASE("settings of git that cannot be followed are noted", "[local]") {
  const ScratchDirectory scratch;
  const std::string state = scratch.make("state");
  scratch.write("work/.git/config", "[core]\nhooksPath = .\n");
  const auto opened = open_mounts({scratch.path() + "/work", {}, {}}, std::nullopt, state);
  REQUIRE(opened);
  REQUIRE(opened->notes.size() == 1);
  CHECK_THAT(opened->notes.front(), ContainsSubstring("settings of git in /workspace"));
}

TEST_CASE("a directory that the sandboxes' user cannot write is refused with the remedy", "[local]") {
  if (geteuid() != 0) SUCCEED("only root can become another user");
  if (geteuid() != 0) return;
  const ScratchDirectory scratch;
  const std::string state = scratch.make("state");
  const std::string workspace = scratch.make("workspace");
  constexpr uid_t kUser = 64434;
  const std::string text = refusal({workspace, {}, {}}, state, kUser);
  CHECK_THAT(text, ContainsSubstring("cannot write it"));
  CHECK_THAT(text, ContainsSubstring("chown -R 64434"));
  REQUIRE(::chown(workspace.c_str(), 1234, 1234) == 0);
  CHECK_THAT(refusal({workspace, {}, {}}, state, kUser),
             ContainsSubstring("set sandbox_uid to that user's uid 1234"));
  REQUIRE(::chown(workspace.c_str(), kUser, kUser) == 0);
  CHECK(refusal({workspace, {}, {}}, state, kUser).empty());
  REQUIRE(::chmod(scratch.path().c_str(), 0700) == 0);
  CHECK_THAT(refusal({workspace, {}, {}}, state, kUser), ContainsSubstring("cannot reach it"));
}

TEST_CASE("mounts are verified by what a process really sees", "[local]") {
  const std::string seen =
      "22 1 0:20 / / ro,relatime - tmpfs tmpfs rw\n"
      "23 22 254:0 /w /workspace rw,nosuid,nodev - ext4 /dev/vda rw\n"
      "24 23 254:0 /w/a\\040b /workspace/a\\040b ro,nosuid - ext4 /dev/vda rw\n"
      "25 23 254:0 /w/c /workspace/c rw,nosuid - ext4 /dev/vda ro\n";
  CHECK(verify_binds({{5, "/workspace", false}, {6, "/workspace/a b", true}}, seen).ok());
  CHECK_FALSE(verify_binds({{5, "/workspace/c", true}}, seen));
  CHECK_FALSE(verify_binds({{5, "/work", true}}, seen));
  CHECK_FALSE(verify_binds({{5, "/workspace", false}}, ""));
}

}  // namespace rexec::sandbox
