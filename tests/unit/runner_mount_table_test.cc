#include "sandbox-client/runner/mount_table.h"

#include "tests/support/catch.h"

namespace rexec::runner {
namespace {

using rexec::test::ContainsSubstring;

const std::string kRoot = "20 1 0:30 / / ro,relatime - tmpfs tmpfs rw\n";
const std::string kWorkspace = "30 20 8:1 /home/me/p /workspace rw,relatime master:1 - ext4 /dev/sda1 rw\n";
const std::string kGit = "31 30 8:1 /home/me/p/.git /workspace/.git rw,relatime - ext4 /dev/sda1 rw\n";
const std::string kConfig =
    "32 31 8:1 /home/me/p/.git/config /workspace/.git/config ro,relatime - ext4 /dev/sda1 rw\n";
const std::string kAll = kRoot + kWorkspace + kGit + kConfig;

std::string wanted(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) text += entry + '\0';
  return text;
}

const std::string kWanted = wanted({"w/workspace", "w/workspace/.git", "r/workspace/.git/config"});

std::string change(const std::string& now) {
  MountTable table;
  CHECK(table.begin(kWanted, kAll).empty());
  return table.change(now);
}

}  // namespace

TEST_CASE("mounts that are as they were are in order, whatever else comes and goes", "[runner]") {
  CHECK(change(kAll).empty());
  const std::string other = "40 20 8:2 / /usr/share rw - ext4 /dev/sdb rw\n";
  CHECK(change(kAll + other).empty());
  CHECK(change(kAll + "41 30 8:2 / /workspace/data rw - ext4 /dev/sdb rw\n").empty());
  MountTable table;
  CHECK(table.begin(kWanted, other + kAll).empty());
  CHECK(table.guarded().size() == 3);
  CHECK(table.change(kAll).empty());
}

TEST_CASE("a source that is renamed or removed does no harm to its mount", "[runner]") {
  std::string renamed = kAll;
  renamed.replace(renamed.find("/home/me/p/.git/config"), 22, "/home/me/p/.git/config//deleted");
  CHECK(change(renamed).empty());
}

TEST_CASE("a mount that is gone, has moved or is another is told", "[runner]") {
  CHECK(change(kRoot + kWorkspace + kGit) ==
        "a file that is read-only in the sandbox was replaced, moved or removed on the host: "
        "\"/workspace/.git/config\"; the sandbox was ended so that it cannot be written");
  CHECK_THAT(change(kRoot + kWorkspace), ContainsSubstring("\"/workspace/.git\"; the sandbox was ended"));
  const auto with = [](std::string_view from, std::string_view to) {
    std::string config = kConfig;
    return kRoot + kWorkspace + kGit + config.replace(config.find(from), from.size(), to);
  };
  const std::string_view point = "/workspace/.git/config ro";
  CHECK_THAT(change(with(point, "/workspace/.git/config~ ro")), ContainsSubstring(".git/config\";"));
  CHECK_THAT(change(with("8:1", "8:2")), ContainsSubstring(".git/config\";"));
  CHECK_THAT(change(with("32 31", "33 31")), ContainsSubstring(".git/config\";"));
  CHECK_THAT(change(with(" ro,", " rw,")), ContainsSubstring("became writable"));
  CHECK_THAT(change(""), ContainsSubstring("\"/workspace\""));
}

TEST_CASE("what is mounted over a guarded mount is told, what slips below it is not", "[runner]") {
  CHECK_THAT(change(kAll + "50 32 8:2 / /workspace/.git/config rw - ext4 /dev/sdb rw\n"),
             ContainsSubstring("mounted over"));
  CHECK_THAT(change(kAll + "50 31 8:2 / /workspace/.git rw - ext4 /dev/sdb rw\n"),
             ContainsSubstring("mounted over"));
  // As the kernel does with what arrives from the host at a place where something is mounted already.
  std::string tucked = kRoot + kWorkspace + "50 30 8:2 / /workspace/.git rw - ext4 /dev/sdb rw\n";
  tucked += "31 50" + kGit.substr(5) + kConfig;
  CHECK(change(tucked).empty());
}

TEST_CASE("what is missing from the first is told at once", "[runner]") {
  CHECK_THAT(MountTable().begin(kWanted, kRoot + kWorkspace + kGit),
             ContainsSubstring("/workspace/.git/config"));
  CHECK_THAT(MountTable().begin(wanted({"r/workspace"}), kAll), ContainsSubstring("/workspace"));
  CHECK_THAT(MountTable().begin(kWanted, ""), ContainsSubstring("/workspace"));
}

TEST_CASE("names of mounts are quoted, and shown only in part when they are long", "[runner]") {
  const std::string point = "/workspace/a\\040b\"\x1b[1m\xc3\xa9";
  const std::string line = "33 30 8:1 / " + point + " ro - ext4 x rw\n";
  MountTable table;
  CHECK(table.begin(wanted({"r/workspace/a b\"\x1b[1m\xc3\xa9"}), kAll + line).empty());
  CHECK(plain_path(point) == "/workspace/a b\"\x1b[1m\xc3\xa9");
  CHECK(plain_path("/a\\0") == "/a\\0");
  CHECK_THAT(table.change(kAll), ContainsSubstring("\"/workspace/a\\040b\\042\\033[1m\\303\\251\";"));
  const std::string deep = "/workspace/" + std::string(4000, 'x');
  MountTable other;
  CHECK(other.begin(wanted({"r" + deep}), kAll + "34 30 8:1 / " + deep + " ro - ext4 x rw\n").empty());
  CHECK(other.change(kAll).size() <= 400);
  CHECK_THAT(other.change(kAll), ContainsSubstring("\"...x"));
}

TEST_CASE("lines that are no mounts are passed over", "[runner]") {
  CHECK(parse_mounts("").empty());
  CHECK(parse_mounts("\n\nx\n1\n1 2\n1 2 3:4 /\n-1 2 3:4 / / rw\n").empty());
  CHECK(parse_mounts("1 2 3:4 / /a\n").size() == 1);
}

}  // namespace rexec::runner
