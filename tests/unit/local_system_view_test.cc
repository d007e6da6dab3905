#include "sandbox-client/local/system_view.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sandbox-client/local/bubblewrap_arguments.h"
#include "tests/support/catch.h"

namespace rexec::sandbox {
namespace {

class Root {
 public:
  Root() {
    std::string pattern = std::filesystem::temp_directory_path() / "rexec-root-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Root() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  void directory(const std::string& name) const { std::filesystem::create_directories(path_ + name); }
  void file(const std::string& name, unsigned mode = 0644, std::size_t size = 4) const {
    directory(name.substr(0, name.rfind('/')));
    std::ofstream(path_ + name) << std::string(size, 'x');
    chmod((path_ + name).c_str(), mode);
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, path_ + name);
  }

 private:
  std::string path_;
};

bool contains(const std::vector<std::string>& list, const char* wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

}  // namespace

TEST_CASE("a merged /usr is shown with its links", "[local]") {
  const Root root;
  root.directory("/usr/bin");
  root.link("usr/bin", "/bin");
  root.link("/usr/lib64", "/lib64");
  root.link("../home", "/sbin");
  const SystemView view = system_view(Network::none, root.path());
  CHECK(view.links ==
        std::vector<std::pair<std::string, std::string>>{{"bin", "usr/bin"}, {"lib64", "usr/lib64"}});
  CHECK(view.read_only == std::vector<std::string>{"/usr"});
}

TEST_CASE("separate system directories are shown as they are", "[local]") {
  const Root root;
  for (const char* name : {"/usr", "/bin", "/lib", "/opt", "/etc/ssl/certs", "/etc/python3.11",
                           "/etc/java-17-openjdk", "/etc/cron.d", "/root"})
    root.directory(name);
  const SystemView view = system_view(Network::none, root.path());
  CHECK(view.links.empty());
  for (const char* name :
       {"/bin", "/lib", "/usr", "/opt", "/etc/ssl/certs", "/etc/python3.11", "/etc/java-17-openjdk"})
    CHECK(contains(view.read_only, name));
  CHECK_FALSE(contains(view.read_only, "/etc/cron.d"));
  CHECK_FALSE(contains(view.read_only, "/root"));
}

TEST_CASE("files that not everybody may read or that are huge are left out", "[local]") {
  const Root root;
  root.file("/etc/services");
  root.file("/etc/protocols", 0600);
  root.file("/etc/mime.types", 0644, (1 << 20) + 1);
  root.file("/etc/resolv.conf");
  root.file("/etc/shadow");
  root.file("/etc/gitconfig");
  CHECK(system_view(Network::none, root.path()).copied == std::vector<std::string>{"/etc/services"});
  CHECK(contains(system_view(Network::host, root.path()).copied, "/etc/resolv.conf"));
}

TEST_CASE("names of keys are hidden where the kernel has keys", "[local]") {
  const Root root;
  CHECK(system_view(Network::none, root.path()).hidden.empty());
  root.file("/proc/keys");
  CHECK(system_view(Network::none, root.path()).hidden == std::vector<std::string>{"/proc/keys"});
}

TEST_CASE("this machine's view makes acceptable arguments", "[local]") {
  for (const Network network : {Network::none, Network::host}) {
    const SystemView view = system_view(network);
    SandboxLayout layout;
    layout.links = view.links;
    layout.read_only = view.read_only;
    layout.hidden = view.hidden;
    int fd = 10;
    for (const std::string& path : view.copied) layout.files.push_back({path, fd++});
    for (const auto& [path, content] : own_files()) layout.files.push_back({path, fd++});
    layout.env = base_environment();
    layout.network = network;
    layout.runner_fd = 4;
    layout.seccomp_fd = 5;
    layout.info_fd = 6;
    layout.channel_fd = 7;
    CHECK(bubblewrap_arguments(layout));
  }
}

TEST_CASE("the environment knows toolchains under /usr/local", "[local]") {
  const Root root;
  const auto path = [&root] {
    for (const auto& [name, value] : base_environment(root.path()))
      if (name == "PATH") return value;
    return std::string();
  };
  CHECK(path().rfind("/home/user/.local/bin:", 0) == 0);
  CHECK(path().find("/usr/local/go/bin") == std::string::npos);
  root.directory("/usr/local/go/bin");
  CHECK(path().find(":/usr/local/go/bin") != std::string::npos);
}

}  // namespace rexec::sandbox
