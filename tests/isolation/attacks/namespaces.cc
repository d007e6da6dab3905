// Attacks on what keeps a sandbox's files apart: mounts, roots, namespaces, devices, rights.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "tests/isolation/attacks/attack.h"

namespace rexec::attacks {
namespace {

// <sys/mount.h> and <linux/mount.h> cannot both be included with glibc 2.36.
constexpr unsigned long kReadOnly = 1;  // MS_RDONLY
constexpr unsigned long kRemount = 32;  // MS_REMOUNT
constexpr unsigned long kBind = 4096;   // MS_BIND
constexpr unsigned long kPrivate = (1UL << 18) | 16384;

long mount_at(const char* source, const char* target, const char* type, unsigned long flags) {
  return syscall(SYS_mount, source, target, type, flags, nullptr);
}

int mount_memory(Arguments arguments) {
  return verdict(mount_at("none", arguments[0], "tmpfs", 0) == 0);
}

int mount_proc(Arguments arguments) {
  return verdict(mount_at("none", arguments[0], "proc", 0) == 0);
}

int bind(Arguments arguments) {
  return verdict(mount_at(arguments[0], arguments[1], nullptr, kBind) == 0);
}

int make_private(Arguments) {
  return verdict(mount_at("none", "/", nullptr, kPrivate) == 0);
}

/// Makes a read-only mount writable, or, outside, shows that remounting one of its own works.
int remount(Arguments arguments) {
  if (mount_at("none", arguments[0], nullptr, kRemount | kBind) == 0) return kWorked;
  if (mount_at(arguments[0], arguments[0], nullptr, kBind) != 0) return verdict(false);
  return verdict(mount_at("none", arguments[0], nullptr, kRemount | kBind | kReadOnly) == 0);
}

int detach(Arguments arguments) {
  constexpr int kDetach = 2;  // MNT_DETACH
  return verdict(syscall(SYS_umount2, arguments[0], kDetach) == 0);
}

int pivot(Arguments arguments) {
  if (mount_at(arguments[0], arguments[0], nullptr, kBind) != 0) return verdict(false);
  return verdict(chdir(arguments[0]) == 0 && syscall(SYS_pivot_root, ".", ".") == 0);
}

int change_root(Arguments arguments) {
  return verdict(chroot(arguments[0]) == 0);
}

int open_file_system(Arguments) {
  return verdict(syscall(SYS_fsopen, "tmpfs", 0) >= 0);
}

int clone_mounts(Arguments arguments) {
  return verdict(syscall(SYS_open_tree, AT_FDCWD, arguments[0], 1 /* OPEN_TREE_CLONE */) >= 0);
}

int set_mount(Arguments) {
  return reached(syscall(SYS_mount_setattr, AT_FDCWD, "/nonexistent", 0, nullptr, 0));
}

/// A file by its inode, past every directory above it.
int open_by_handle(Arguments arguments) {
  constexpr std::size_t kRoom = 128;
  alignas(file_handle) unsigned char buffer[sizeof(file_handle) + kRoom] = {};
  auto* handle = reinterpret_cast<file_handle*>(buffer);
  handle->handle_bytes = kRoom;
  int mount_id = 0;
  if (name_to_handle_at(AT_FDCWD, arguments[0], handle, &mount_id, 0) != 0) return verdict(false);
  const int directory = open(arguments[0], O_RDONLY);
  return verdict(open_by_handle_at(directory, handle, O_RDONLY) >= 0);
}

constexpr std::pair<std::string_view, unsigned long> kKinds[] = {
    {"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},       {"net", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},  {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

unsigned long kind_of(const char* name) {
  for (const auto& [known, flag] : kKinds)
    if (known == name) return flag;
  return 0;
}

int new_namespace(Arguments arguments) {
  return verdict(unshare(static_cast<int>(kind_of(arguments[0]))) == 0);
}

int clone_namespace(Arguments arguments) {
  const long child = syscall(SYS_clone, kind_of(arguments[0]) | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) _exit(0);
  if (child > 0) waitpid(static_cast<pid_t>(child), nullptr, 0);
  return verdict(child > 0);
}

int clone3_namespace(Arguments arguments) {
  clone_args wanted{};
  wanted.flags = kind_of(arguments[0]);
  wanted.exit_signal = SIGCHLD;
  const long child = syscall(SYS_clone3, &wanted, sizeof wanted);
  if (child == 0) _exit(0);
  if (child > 0) waitpid(static_cast<pid_t>(child), nullptr, 0);
  return verdict(child > 0);
}

/// Its own, too: what is refused is the call.
int enter_namespace(Arguments arguments) {
  const int fd = open(arguments[0], O_RDONLY);
  return verdict(fd >= 0 && setns(fd, 0) == 0);
}

int make_device(Arguments arguments) {
  const dev_t device =
      makedev(static_cast<unsigned>(number(arguments[1])), static_cast<unsigned>(number(arguments[2])));
  const bool block = arguments.size() > 3;
  return verdict(mknod(arguments[0], (block ? S_IFBLK : S_IFCHR) | 0666U, device) == 0);
}

int take_capabilities(Arguments) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].permitted = data[0].effective = data[0].inheritable = 1U << CAP_SYS_ADMIN;
  return verdict(syscall(SYS_capset, &header, data) == 0);
}

int become_root(Arguments) {
  // The system calls, as glibc's wrappers would signal all threads.
  return verdict(syscall(SYS_setresuid, 0, 0, 0) == 0);
}

int become_other(Arguments) {
  constexpr unsigned kOther = 12345;
  return verdict(syscall(SYS_setresuid, kOther, kOther, kOther) == 0);
}

int drop_groups(Arguments) {
  return verdict(syscall(SYS_setgroups, 0, nullptr) == 0);
}

int clear_no_new_privileges(Arguments) {
  prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
  return verdict(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

int clear_filter(Arguments) {
  prctl(PR_SET_SECCOMP, 0, 0, 0, 0);
  return verdict(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
}

int open_path(const char* path, int flags) {
  const bool opened = open(path, flags | O_NONBLOCK | O_NOCTTY) >= 0;
  return !opened && errno == ENOENT ? kAbsent : verdict(opened);
}

int open_for_writing(Arguments arguments) {
  return open_path(arguments[0], O_WRONLY);
}

int open_for_reading(Arguments arguments) {
  return open_path(arguments[0], O_RDONLY);
}

/// Exchanges two names for as long as the third exists.
int swap(Arguments arguments) {
  unsigned long rounds = 0;
  while (access(arguments[2], F_OK) == 0) {
    for (int i = 0; i < 64; ++i) {
      if (syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], RENAME_EXCHANGE) != 0)
        return verdict(false);
      ++rounds;
    }
  }
  std::printf("%lu\n", rounds);
  return kWorked;
}

constexpr Attack kAttacks[] = {
    {"mount", 1, mount_memory},
    {"mount-proc", 1, mount_proc},
    {"bind", 2, bind},
    {"make-private", 0, make_private},
    {"remount", 1, remount},
    {"umount", 1, detach},
    {"pivot", 1, pivot},
    {"chroot", 1, change_root},
    {"fsopen", 0, open_file_system},
    {"open-tree", 1, clone_mounts},
    {"mount-setattr", 0, set_mount},
    {"handle", 1, open_by_handle},
    {"unshare", 1, new_namespace},
    {"clone", 1, clone_namespace},
    {"clone3", 1, clone3_namespace},
    {"setns", 1, enter_namespace},
    {"mknod", 3, make_device},
    {"capset", 0, take_capabilities},
    {"become-root", 0, become_root},
    {"become-other", 0, become_other},
    {"setgroups", 0, drop_groups},
    {"clear-no-new-privs", 0, clear_no_new_privileges},
    {"clear-filter", 0, clear_filter},
    {"open-write", 1, open_for_writing},
    {"open-read", 1, open_for_reading},
    {"swap", 3, swap},
};

}  // namespace

std::span<const Attack> namespace_attacks() {
  return kAttacks;
}

}  // namespace rexec::attacks
