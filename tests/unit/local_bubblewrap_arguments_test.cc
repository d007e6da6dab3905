#include "sandbox-client/local/bubblewrap_arguments.h"

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/catch.h"

namespace rexec::sandbox {
namespace {

SandboxLayout ordinary_layout() {
  SandboxLayout layout;
  layout.links = {{"bin", "usr/bin"}, {"lib64", "usr/lib64"}};
  layout.read_only = {"/usr", "/opt", "/etc/alternatives"};
  layout.files = {{"/etc/passwd", 10}, {"/etc/group", 11}};
  layout.hidden = {"/proc/keys"};
  layout.home = "/var/lib/rexec-mcp/sandboxes/0123/home";
  layout.binds = {{16, "/workspace", false}, {17, "/workspace/.git/hooks", true}};
  layout.env = {{"HOME", "/home/user"}, {"PATH", "/usr/bin"}};
  layout.runner_fd = 12;
  layout.seccomp_fd = 13;
  layout.info_fd = 14;
  layout.channel_fd = 15;
  layout.guard_fd = 18;
  return layout;
}

struct Parsed {
  std::vector<std::string> options;  // names only
  std::vector<std::string> command;
  bool understood = false;
};

// What bwrap makes of an argument list: each option with its number of operands (bwrap(1)).
Parsed parse(const std::vector<std::string>& arguments) {
  static const std::map<std::string, std::size_t> kOperands = {{"--unshare-user", 0},
                                                               {"--unshare-pid", 0},
                                                               {"--unshare-ipc", 0},
                                                               {"--unshare-uts", 0},
                                                               {"--unshare-cgroup-try", 0},
                                                               {"--unshare-net", 0},
                                                               {"--clearenv", 0},
                                                               {"--disable-userns", 0},
                                                               {"--die-with-parent", 0},
                                                               {"--new-session", 0},
                                                               {"--as-pid-1", 0},
                                                               {"--uid", 1},
                                                               {"--gid", 1},
                                                               {"--hostname", 1},
                                                               {"--setenv", 2},
                                                               {"--symlink", 2},
                                                               {"--ro-bind", 2},
                                                               {"--bind", 2},
                                                               {"--bind-fd", 2},
                                                               {"--ro-bind-fd", 2},
                                                               {"--file", 2},
                                                               {"--perms", 1},
                                                               {"--size", 1},
                                                               {"--tmpfs", 1},
                                                               {"--dir", 1},
                                                               {"--proc", 1},
                                                               {"--dev", 1},
                                                               {"--remount-ro", 1},
                                                               {"--chdir", 1},
                                                               {"--seccomp", 1},
                                                               {"--info-fd", 1}};
  Parsed parsed;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == "--") {
      parsed.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      parsed.understood = true;
      return parsed;
    }
    const auto option = kOperands.find(arguments[i]);
    if (option == kOperands.end()) return parsed;
    parsed.options.push_back(arguments[i]);
    i += option->second;
  }
  return parsed;
}

bool contains(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

TEST_CASE("a sandbox that can be visited dies with its server all the same", "[local]") {
  SandboxLayout layout = ordinary_layout();
  layout.visit = {20, 21};
  const auto arguments = bubblewrap_arguments(layout);
  REQUIRE(arguments);
  CHECK(contains(*arguments, "--die-with-parent"));
  CHECK(joined(parse(*arguments).command) ==
        "/run/rexec/runner serve --channel-fd 15 --visit-fd 20 --secret-fd 21 --guard-fd 18");
  layout.visit = {15, 21};
  CHECK(bubblewrap_arguments(layout).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("bubblewrap arguments ask for every namespace and end in the runner", "[local]") {
  const auto arguments = bubblewrap_arguments(ordinary_layout());
  REQUIRE(arguments);
  const Parsed parsed = parse(*arguments);
  REQUIRE(parsed.understood);
  for (const char* option : {"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
                             "--unshare-cgroup-try", "--unshare-net", "--disable-userns", "--die-with-parent",
                             "--new-session", "--as-pid-1", "--clearenv", "--seccomp"})
    CHECK(contains(parsed.options, option));
  CHECK(parsed.command ==
        std::vector<std::string>{"/run/rexec/runner", "serve", "--channel-fd", "15", "--guard-fd", "18"});
}

TEST_CASE("bubblewrap arguments bind a sandbox to its server unless it is kept", "[local]") {
  const auto has = [](const std::vector<std::string>& list, const char* word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  const auto bound = bubblewrap_arguments(ordinary_layout()).value();
  CHECK(has(bound, "--die-with-parent"));
  CHECK_FALSE(has(bound, "--json-status-fd"));
  SandboxLayout layout = ordinary_layout();
  layout.kept = KeptLayout{20, 21, 22, 23, 60, 1'800'000'000'000};
  const auto kept = bubblewrap_arguments(layout).value();
  CHECK_FALSE(has(kept, "--die-with-parent"));
  CHECK_FALSE(has(kept, "--info-fd"));
  CHECK_FALSE(has(kept, "--channel-fd"));
  const auto runner = std::find(kept.begin(), kept.end(), kRunnerPath);
  const std::vector<std::string> command(std::find(runner + 1, kept.end(), kRunnerPath), kept.end());
  CHECK(command == std::vector<std::string>{kRunnerPath, "serve", "--listen-fd", "20", "--secret-fd", "21",
                                            "--lease-s", "60", "--expires-ms", "1800000000000", "--report-fd",
                                            "22", "--guard-fd", "18"});
  layout.kept->status_fd = 20;
  CHECK_FALSE(bubblewrap_arguments(layout));
}

TEST_CASE("the runner is to watch what is mounted, and nothing when nothing is", "[local]") {
  SandboxLayout layout = ordinary_layout();
  const std::string watched = guarded_mounts(layout.binds);
  CHECK(watched == std::string("w/workspace\0r/workspace/.git/hooks\0", 35));
  layout.binds.clear();
  layout.guard_fd = -1;
  const auto arguments = bubblewrap_arguments(layout).value();
  CHECK_FALSE(contains(arguments, "--guard-fd"));
}

TEST_CASE("bubblewrap arguments share the network only when the host's is asked for", "[local]") {
  SandboxLayout layout = ordinary_layout();
  layout.network = Network::host;
  const auto arguments = bubblewrap_arguments(layout);
  REQUIRE(arguments);
  CHECK_FALSE(contains(parse(*arguments).options, "--unshare-net"));
}

TEST_CASE("bubblewrap arguments bound what lies in memory, and leave the rest to the runner", "[local]") {
  SandboxLayout layout = ordinary_layout();
  const Parsed before = parse(*bubblewrap_arguments(layout));
  CHECK_FALSE(contains(before.options, "--size"));
  layout.memory_mb = 64;
  auto arguments = bubblewrap_arguments(layout);
  REQUIRE(arguments);
  const auto size_of = [&](const char* path) {
    const auto at = std::find(arguments->begin(), arguments->end(), path);
    REQUIRE(*(at - 3) == "--size");
    return std::stoull(*(at - 2));
  };
  CHECK(size_of("/tmp") + size_of("/dev/shm") + size_of("/var") + size_of("/run") < 64 << 20);
  CHECK(parse(*arguments).command == before.command);
  layout.watched_memory_mb = 64;
  layout.watched_disk_mb = 5;
  arguments = bubblewrap_arguments(layout);
  REQUIRE(arguments);
  std::vector<std::string> command = before.command;
  command.insert(command.end(), {"--memory-mb", "64", "--disk-mb", "5"});
  CHECK(parse(*arguments).command == command);
  layout.memory_mb = std::uint64_t{1} << 60;
  CHECK_FALSE(bubblewrap_arguments(layout));
}

TEST_CASE("bubblewrap arguments make the root read-only after everything is in it", "[local]") {
  const auto arguments = bubblewrap_arguments(ordinary_layout());
  REQUIRE(arguments);
  const auto begin = arguments->begin();
  const auto end = std::find(begin, arguments->end(), "/");
  REQUIRE(end != arguments->end());
  CHECK(*(end - 1) == "--remount-ro");
  for (const char* later : {"--bind", "--tmpfs", "--file", "--symlink", "--dir", "--proc", "--dev",
                            "--ro-bind", "--bind-fd", "--ro-bind-fd"})
    CHECK(std::find(end, arguments->end(), later) == arguments->end());
}

TEST_CASE("bubblewrap arguments keep hostile values in their operand positions", "[local]") {
  const Parsed expected = parse(bubblewrap_arguments(ordinary_layout()).value());
  for (const std::string hostile :
       {"--share-net", "--", "--bind", "-", "", "\n--cap-add\nALL", "$(id)", "; id", "--args"}) {
    CAPTURE(hostile);
    SandboxLayout layout = ordinary_layout();
    layout.env[0].second = hostile;
    layout.home = "/state/" + hostile + "x/home";
    layout.read_only[2] = "/etc/" + hostile + "x";
    layout.files[0].path = layout.read_only[2];
    layout.binds[0].destination = "/" + hostile + "x";
    const auto arguments = bubblewrap_arguments(layout);
    REQUIRE(arguments);
    const Parsed parsed = parse(*arguments);
    CHECK(parsed.understood);
    CHECK(parsed.options == expected.options);
    CHECK(parsed.command == expected.command);
  }
}

TEST_CASE("bubblewrap arguments refuse paths that are not plain", "[local]") {
  const std::string nul("/a\0b", 4);
  for (const std::string& path :
       {std::string("relative"), std::string("/"), std::string("/a/../b"), std::string("/a//b"),
        std::string("/a/"), std::string("/./a"), nul, std::string("--bind"), "/" + std::string(4096, 'x')}) {
    CAPTURE(path);
    SandboxLayout layout = ordinary_layout();
    layout.home = path;
    CHECK_FALSE(bubblewrap_arguments(layout));
    layout = ordinary_layout();
    layout.read_only = {path};
    CHECK_FALSE(bubblewrap_arguments(layout));
    layout = ordinary_layout();
    layout.files[0].path = path;
    CHECK_FALSE(bubblewrap_arguments(layout));
  }
}

TEST_CASE("bubblewrap arguments show nothing of the host but its system directories", "[local]") {
  for (const char* path : {"/root", "/home/somebody", "/etc", "/etc/", "/var/lib", "/proc",
                           "/run/docker.sock", "/usrx", "/tmp", "/dev"}) {
    CAPTURE(path);
    SandboxLayout layout = ordinary_layout();
    layout.read_only = {path};
    CHECK_FALSE(bubblewrap_arguments(layout));
  }
  for (const auto& [name, target] : std::vector<std::pair<std::string, std::string>>{
           {"root", "usr/bin"}, {"bin", "../root"}, {"bin", "/usr/bin"}, {"bin", "home/x"}, {"bin", ""}}) {
    CAPTURE(name, target);
    SandboxLayout layout = ordinary_layout();
    layout.links = {{name, target}};
    CHECK_FALSE(bubblewrap_arguments(layout));
  }
}

TEST_CASE("bubblewrap arguments mount nothing over the system, and nothing twice", "[local]") {
  for (const char* path : {"/", "/etc", "/etc/passwd", "/proc/sys", "/dev/null", "/run/rexec", "/usr/bin",
                           "/tmp", "/home/user", "relative", "/workspace", "/a/../etc"}) {
    CAPTURE(path);
    SandboxLayout layout = ordinary_layout();
    layout.binds[1].destination = path;
    CHECK_FALSE(bubblewrap_arguments(layout));
  }
  SandboxLayout layout = ordinary_layout();
  layout.binds[0].fd = layout.runner_fd;
  CHECK_FALSE(bubblewrap_arguments(layout));
  layout = ordinary_layout();
  layout.binds.clear();
  for (int i = 0; i < 257; ++i) layout.binds.push_back({100 + i, "/m" + std::to_string(i), true});
  CHECK_FALSE(bubblewrap_arguments(layout));
}

TEST_CASE("bubblewrap arguments hide files of /proc, and no others", "[local]") {
  const auto arguments = bubblewrap_arguments(ordinary_layout());
  REQUIRE(arguments);
  const auto proc = std::find(arguments->begin(), arguments->end(), "--proc");
  const std::vector<std::string> hidden = {"--ro-bind", "/dev/null", "/proc/keys"};
  CHECK(std::search(proc, arguments->end(), hidden.begin(), hidden.end()) != arguments->end());
  for (const char* path :
       {"/proc", "/proc/", "/proc/../etc/passwd", "/etc/passwd", "proc/keys", "", "--bind"}) {
    CAPTURE(path);
    SandboxLayout layout = ordinary_layout();
    layout.hidden = {path};
    CHECK_FALSE(bubblewrap_arguments(layout));
  }
}

TEST_CASE("bubblewrap arguments refuse what is not a variable or a descriptor", "[local]") {
  for (const std::string& name : {std::string(), std::string("A=B"), std::string("1A"), std::string("A B"),
                                  std::string("--setenv"), std::string("A\0B", 3)}) {
    SandboxLayout layout = ordinary_layout();
    layout.env = {{name, "value"}};
    CHECK_FALSE(bubblewrap_arguments(layout));
  }
  SandboxLayout layout = ordinary_layout();
  layout.env = {{"NAME", std::string("a\0b", 3)}};
  CHECK_FALSE(bubblewrap_arguments(layout));
  for (const int fd : {-1, 0, 2, 13}) {
    layout = ordinary_layout();
    layout.channel_fd = fd;
    CHECK_FALSE(bubblewrap_arguments(layout));
    layout = ordinary_layout();
    layout.guard_fd = fd;
    CHECK_FALSE(bubblewrap_arguments(layout));
  }
  layout = ordinary_layout();
  layout.env.assign(257, {"NAME", "value"});
  CHECK_FALSE(bubblewrap_arguments(layout));
}

TEST_CASE("bubblewrap arguments from random fields are refused or have the one shape", "[local]") {
  std::mt19937 random(20240611);
  const std::vector<std::string> pieces = {"--",
                                           "-",
                                           "/",
                                           "..",
                                           ".",
                                           "bind",
                                           "usr",
                                           "etc",
                                           "opt",
                                           "\n",
                                           " ",
                                           "a",
                                           "=",
                                           "--unshare-net",
                                           "--share-net",
                                           "home",
                                           std::string("\0", 1)};
  const auto text = [&] {
    std::string made;
    for (std::size_t i = random() % 6; i > 0; --i) made += pieces[random() % pieces.size()];
    return random() % 2 == 0 ? "/" + made : made;
  };
  const Parsed expected = parse(bubblewrap_arguments(ordinary_layout()).value());
  for (int round = 0; round < 20000; ++round) {
    SandboxLayout layout = ordinary_layout();
    switch (random() % 6) {
      case 0:
        layout.home = "/s" + text();
        break;
      case 1:
        layout.read_only[1] = text();
        break;
      case 2:
        layout.files[1].path = "/etc" + text();
        break;
      case 3:
        layout.binds[1].destination = text();
        break;
      case 4:
        layout.hidden[0] = "/proc" + text();
        break;
      default:
        layout.env[1].second = text();
        break;
    }
    const auto arguments = bubblewrap_arguments(layout);
    if (!arguments) continue;
    const Parsed parsed = parse(*arguments);
    REQUIRE(parsed.options == expected.options);
    REQUIRE(parsed.command == expected.command);
  }
}

}  // namespace rexec::sandbox
