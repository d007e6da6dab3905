// bubblewrap's command line: whatever the fields hold, the options, their order and the command are the ones
// written in bubblewrap_arguments.cc, and no field stands but in an operand's place. Each line of the input
// is a field: its first character says which, the rest is the value.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "sandbox-client/local/bubblewrap_arguments.h"
#include "sandbox-client/local/mounts.h"

using namespace rexec::sandbox;

namespace {

const std::map<std::string_view, std::size_t> kOperands = {{"--unshare-user", 0}, {"--unshare-pid", 0},
                                                           {"--unshare-ipc", 0},  {"--unshare-uts", 0},
                                                           {"--unshare-net", 0},  {"--unshare-cgroup-try", 0},
                                                           {"--clearenv", 0},     {"--disable-userns", 0},
                                                           {"--new-session", 0},  {"--die-with-parent", 0},
                                                           {"--as-pid-1", 0},     {"--uid", 1},
                                                           {"--gid", 1},          {"--hostname", 1},
                                                           {"--perms", 1},        {"--tmpfs", 1},
                                                           {"--size", 1},         {"--dir", 1},
                                                           {"--proc", 1},         {"--dev", 1},
                                                           {"--remount-ro", 1},   {"--chdir", 1},
                                                           {"--seccomp", 1},      {"--info-fd", 1},
                                                           {"--setenv", 2},       {"--symlink", 2},
                                                           {"--ro-bind", 2},      {"--bind", 2},
                                                           {"--file", 2},         {"--bind-fd", 2},
                                                           {"--ro-bind-fd", 2}};

void require(bool condition) {
  if (!condition) std::abort();
}

void add_field(SandboxLayout& layout, char kind, const std::string& value, int fd) {
  switch (kind) {
    case 'l':
      layout.links.emplace_back("bin", value);
      break;
    case 'n':
      layout.links.emplace_back(value, "usr/bin");
      break;
    case 'r':
      layout.read_only.push_back(value);
      break;
    case 'f':
      layout.files.push_back({value, fd});
      break;
    case 'h':
      layout.home = value;
      break;
    case 'e':
      layout.env.emplace_back(value, value);
      break;
    case 'v':
      layout.env.emplace_back("NAME", value);
      break;
    case 'b':
      layout.binds.push_back({fd, value, false});
      break;
    case 'm':
      if (const auto mount = parse_mount(value); mount && check_mounts({"/w", {*mount}, {}}))
        layout.binds.push_back({fd, mount->destination, mount->read_only});
      break;
    case 'k':
      layout.memory_mb = layout.watched_memory_mb = value.size();
      break;
    case 'd':
      layout.watched_disk_mb = value.size();
      break;
    default:
      layout.network = Network::host;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  SandboxLayout layout;
  layout.runner_fd = 3;
  layout.seccomp_fd = 4;
  layout.info_fd = 5;
  layout.channel_fd = 6;
  layout.guard_fd = 7;
  int fd = 8;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    if (!line.empty()) add_field(layout, line.front(), std::string(line.substr(1)), fd++);
  }
  const auto made = bubblewrap_arguments(layout);
  if (!made) return 0;
  const std::vector<std::string>& arguments = *made;
  std::map<std::string_view, std::size_t> count;
  std::size_t i = 1;
  for (; i < arguments.size() && arguments[i] != "--"; ++i) {
    const auto option = kOperands.find(arguments[i]);
    require(option != kOperands.end());
    ++count[option->first];
    for (std::size_t operand = 1; operand <= option->second; ++operand)
      require(i + operand < arguments.size() && arguments[i + operand].find('\0') == std::string::npos);
    i += option->second;
  }
  const std::size_t limits = (layout.watched_memory_mb > 0 ? 2 : 0) + (layout.watched_disk_mb > 0 ? 2 : 0) +
                             (layout.binds.empty() ? 0 : 2);
  require(count["--size"] == (layout.memory_mb > 0 ? count["--tmpfs"] - 1 : 0));
  require(arguments.size() == i + 5 + limits && arguments[i + 1] == kRunnerPath &&
          arguments[i + 2] == "serve");
  require(count["--unshare-net"] == (layout.network == Network::none ? 1U : 0U));
  require(count["--setenv"] == layout.env.size() && count["--ro-bind"] == layout.read_only.size());
  require(count["--bind"] == (layout.home.empty() ? 0U : 1U));
  require(count["--bind-fd"] + count["--ro-bind-fd"] == layout.binds.size());
  return 0;
}
