#include "sandbox-client/local/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

using rexec::test::ScratchDirectory;

constexpr const char* kUnifiedMount = "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

/// A machine as /proc and /sys show it.
class Machine {
 public:
  Machine(const std::string& mountinfo, const std::string& cgroup) {
    tree.write("proc/self/mountinfo", "20 1 254:0 / / rw - ext4 /dev/vda rw\n" + mountinfo);
    tree.write("proc/self/cgroup", cgroup);
  }
  /// A version 2 group that hands down `controllers`.
  void group(const std::string& path, const std::string& controllers) const {
    tree.write(path + "/cgroup.procs");
    tree.write(path + "/cgroup.subtree_control", controllers + "\n");
  }
  CgroupSite find() const { return find_cgroup_site(tree.path()); }

  ScratchDirectory tree;
};

}  // namespace

TEST_CASE("a version 2 group is made beside our own, below the nearest that hands controllers down",
          "[local]") {
  const Machine machine(kUnifiedMount, "0::/user.slice/app.slice/mine.scope\n");
  machine.group("sys/fs/cgroup/user.slice", "cpu memory pids");
  machine.group("sys/fs/cgroup/user.slice/app.slice", "memory pids");
  machine.group("sys/fs/cgroup/user.slice/app.slice/mine.scope", "");
  const CgroupSite site = machine.find();
  CHECK(site.memory.directory == "/sys/fs/cgroup/user.slice/app.slice");
  CHECK(site.memory.unified);
  CHECK(site.cpu.directory == "/sys/fs/cgroup/user.slice");
}

TEST_CASE("our own version 2 group is not used, as processes are in it", "[local]") {
  const Machine machine(kUnifiedMount, "0::/mine\n");
  machine.group("sys/fs/cgroup/mine", "memory cpu");
  machine.group("sys/fs/cgroup", "pids memoryx");
  CHECK(machine.find().memory.directory.empty());
  CHECK(machine.find().cpu.directory.empty());
  const Machine top(kUnifiedMount, "0::/\n");
  top.group("sys/fs/cgroup", "memory cpu");
  CHECK(top.find().memory.directory.empty());
}

TEST_CASE("groups that may not be written are not used", "[local]") {
  if (geteuid() == 0) return;  // root may write everything
  const Machine machine(kUnifiedMount, "0::/a/b\n");
  machine.group("sys/fs/cgroup/a", "memory cpu");
  machine.group("sys/fs/cgroup/a/b", "");
  const std::string path = machine.tree.path() + "/sys/fs/cgroup/a";
  REQUIRE(::chmod(path.c_str(), 0555) == 0);
  CHECK(machine.find().memory.directory.empty());
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
}

TEST_CASE("version 1 groups are made below our own in each hierarchy", "[local]") {
  const Machine machine(
      "31 20 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "32 20 0:28 /docker/1 /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "33 20 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "9:name=systemd:/\n5:cpu,cpuacct:/docker/1/x\n4:memory:/y/z\n0::/\n");
  machine.tree.make("sys/fs/cgroup/memory/y/z");
  machine.tree.make("sys/fs/cgroup/cpu,cpuacct/x");
  const CgroupSite site = machine.find();
  CHECK(site.memory.directory == "/sys/fs/cgroup/memory/y/z");
  CHECK_FALSE(site.memory.unified);
  CHECK(site.cpu.directory == "/sys/fs/cgroup/cpu,cpuacct/x");
}

TEST_CASE("a machine without groups, or with nonsense, has no place for any", "[local]") {
  CHECK(find_cgroup_site("/nonexistent").memory.directory.empty());
  for (const char* nonsense :
       {"", "\n\n", "a b c", "1 2 3 / - cgroup2 x y", " - ", "1 2 3 /other /m rw - cgroup2 c rw"}) {
    const Machine machine(nonsense, "0::/mine\nx\n:\n::\n");
    CHECK(machine.find().memory.directory.empty());
  }
}

TEST_CASE("a group gets its limits before it gets the process", "[local]") {
  const ScratchDirectory tree;
  // Files that the kernel would make with the directory cannot be here: what cannot be set is not in force.
  const CgroupSite site{{tree.path(), true}, {"", true}};
  const auto group = Cgroup::make(site, "0123", {512, 1.5}, ::getpid());
  REQUIRE(group->limits().size() == 2);
  CHECK(group->limits()[0].value == "512");
  CHECK(group->limits()[0].mechanism == "not enforced");
  CHECK(group->limits()[1].value == "1.5");
  CHECK(group->limits()[1].mechanism == "not enforced");
  CHECK_FALSE(group->killed_by_memory(1));
  const auto unlimited = Cgroup::make(site, "4567", {}, ::getpid());
  CHECK(unlimited->limits()[0].value == "unlimited");
  CHECK_FALSE(std::filesystem::exists(tree.path() + "/rexec-4567"));
}

TEST_CASE("a group that another server made tells of the kills from now on, and stays", "[local]") {
  const ScratchDirectory tree;
  const std::string path = "mem/rexec-abc/";
  const CgroupSite site{{tree.path() + "/mem", false}, {}};
  CHECK(Cgroup::find(site, "abc") == nullptr);
  CHECK(Cgroup::find(CgroupSite{}, "abc") == nullptr);
  tree.write(path + "memory.limit_in_bytes", "67108864\n");
  tree.write(path + "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  auto group = Cgroup::find(site, "abc");
  REQUIRE(group != nullptr);
  CHECK(group->memory_mb() == 64);
  CHECK_FALSE(group->killed_by_memory(1));
  tree.write(path + "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  CHECK(group->killed_by_memory(2));
  CHECK_FALSE(group->killed_by_memory(3));
  group.reset();
  CHECK(Cgroup::find(site, "abc") != nullptr);
}

TEST_CASE("the kernel's count of killed processes is read in both forms", "[local]") {
  CHECK(count_memory_kills("low 0\nhigh 0\nmax 17\noom 2\noom_kill 3\noom_group_kill 0\n") == 3);
  CHECK(count_memory_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n") == 1);
  CHECK(count_memory_kills("oom_kill_disable 1\nunder_oom 0\n") == 0);
  CHECK(count_memory_kills("") == 0);
}

TEST_CASE("stale groups are removed, young and foreign ones are left", "[local]") {
  const ScratchDirectory tree;
  for (const char* name : {"rexec-old", "rexec-young", "other"}) tree.make(name);
  const timespec old[2] = {{1000, 0}, {1000, 0}};
  ::utimensat(AT_FDCWD, (tree.path() + "/rexec-old").c_str(), old, 0);
  ::utimensat(AT_FDCWD, (tree.path() + "/other").c_str(), old, 0);
  remove_stale_cgroups({{tree.path(), false}, {"", false}});
  CHECK_FALSE(std::filesystem::exists(tree.path() + "/rexec-old"));
  CHECK(std::filesystem::exists(tree.path() + "/rexec-young"));
  CHECK(std::filesystem::exists(tree.path() + "/other"));
}

}  // namespace rexec::sandbox
