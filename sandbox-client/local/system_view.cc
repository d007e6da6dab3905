#include "sandbox-client/local/system_view.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "sandbox-client/local/bubblewrap_arguments.h"

namespace rexec::sandbox {
namespace {

constexpr const char* kRootNames[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
constexpr const char* kDirectories[] = {"/usr", "/opt"};
constexpr const char* kEtcDirectories[] = {
    "/etc/alternatives",    "/etc/ssl/certs", "/etc/pki/ca-trust", "/etc/pki/tls/certs",
    "/etc/crypto-policies", "/etc/fonts",     "/etc/perl",         "/etc/R"};
constexpr const char* kEtcPrefixes[] = {"python3", "java-"};  // directories /etc/<prefix>…
constexpr const char* kEtcFiles[] = {"/etc/ld.so.cache",    "/etc/ld.so.conf", "/etc/ssl/openssl.cnf",
                                     "/etc/localtime",      "/etc/timezone",   "/etc/mime.types",
                                     "/etc/services",       "/etc/protocols",  "/etc/inputrc",
                                     "/etc/debian_version", "/etc/magic",      "/etc/locale.alias"};
constexpr const char* kEtcNetworkFiles[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/gai.conf"};
// Names of the keys of everybody with the same uid, in every keyring (keyrings(7)).
constexpr const char* kHidden[] = {"/proc/keys"};
constexpr off_t kMaxCopied = 1 << 20;
constexpr std::size_t kMaxFound = 32;  // directories by prefix

bool is_directory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & S_IXOTH) != 0;
}

bool is_public_file(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0 &&
         status.st_size <= kMaxCopied;
}

bool exists(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0;
}

std::vector<std::string> etc_directories_by_prefix(const std::string& root) {
  std::vector<std::string> found;
  DIR* list = opendir((root + "/etc").c_str());
  if (list == nullptr) return found;
  while (const dirent* entry = readdir(list)) {
    const std::string name = entry->d_name;
    for (const char* prefix : kEtcPrefixes) {
      if (name.rfind(prefix, 0) != 0 || found.size() == kMaxFound) continue;
      if (is_directory(root + "/etc/" + name)) found.push_back("/etc/" + name);
    }
  }
  closedir(list);
  std::sort(found.begin(), found.end());
  return found;
}

void add_root_name(const std::string& root, const char* name, SystemView& view) {
  const std::string path = root + "/" + name;
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (S_ISDIR(status.st_mode)) {
    view.read_only.push_back(std::string("/") + name);
    return;
  }
  char target[PATH_MAX];
  const ssize_t size = S_ISLNK(status.st_mode) ? readlink(path.c_str(), target, sizeof target) : -1;
  if (size <= 0 || size == sizeof target) return;
  std::string text(target, static_cast<std::size_t>(size));
  if (text.front() == '/') text.erase(0, 1);
  if (text.rfind("usr/", 0) == 0) view.links.emplace_back(name, std::move(text));
}

}  // namespace

SystemView system_view(Network network, const std::string& root) {
  SystemView view;
  for (const char* name : kRootNames) add_root_name(root, name, view);
  for (const char* path : kDirectories)
    if (is_directory(root + path)) view.read_only.emplace_back(path);
  for (const char* path : kEtcDirectories)
    if (is_directory(root + path)) view.read_only.emplace_back(path);
  for (std::string& path : etc_directories_by_prefix(root)) view.read_only.push_back(std::move(path));
  for (const char* path : kEtcFiles)
    if (is_public_file(root + path)) view.copied.emplace_back(path);
  if (network == Network::host)
    for (const char* path : kEtcNetworkFiles)
      if (is_public_file(root + path)) view.copied.emplace_back(path);
  for (const char* path : kHidden)
    if (exists(root + path)) view.hidden.emplace_back(path);
  return view;
}

std::vector<std::pair<std::string, std::string>> own_files() {
  const std::string id = std::to_string(kSandboxUser);
  return {
      {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:" + id + ":" + id + ":user:" + kSandboxHome +
                          ":/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
      {"/etc/group", "root:x:0:\ntty:x:5:\nuser:x:" + id + ":\nnogroup:x:65534:\n"},
      {"/etc/hostname", "sandbox\n"},
      {"/etc/nsswitch.conf",
       "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nservices: files\n"
       "protocols: files\n"},
      {"/etc/shells", "/bin/sh\n/bin/bash\n/usr/bin/bash\n"},
      {"/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost ip6-loopback\n"},
  };
}

std::vector<std::pair<std::string, std::string>> base_environment(const std::string& root) {
  const std::string home = kSandboxHome;
  std::string path = home + "/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  if (is_directory(root + "/usr/local/go/bin")) path += ":/usr/local/go/bin";
  return {
      {"HOME", home},
      {"USER", "user"},
      {"LOGNAME", "user"},
      {"SHELL", exists(root + "/bin/bash") ? "/bin/bash" : "/bin/sh"},
      {"PATH", path},
      // What LANG=C.UTF-8 would mean, without a file to load for each of the other categories, which C.UTF-8
      // leaves as in C: that is a sixth of the time in which a shell starts.
      {"LC_CTYPE", "C.UTF-8"},
      // Output goes to pipes; whatever opens a terminal says which kind it is.
      {"TERM", "dumb"},
      {"PAGER", "cat"},
      {"GIT_PAGER", "cat"},
      {"GIT_TERMINAL_PROMPT", "0"},
      {"DEBIAN_FRONTEND", "noninteractive"},
  };
}

}  // namespace rexec::sandbox
