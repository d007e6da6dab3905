// What a hostile program inside a local sandbox can reach: nothing that it should not.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"

namespace rexec::sandbox {
namespace {

using test::LocalBox;

// Whether the command exits with 0 inside.
bool works(LocalBox& box, const std::string& command) {
  const test::Ran ran = box.run(command);
  UNSCOPED_INFO(command << ": " << ran.exit_code << " " << ran.out << ran.err << ran.error);
  return ran.exit_code == 0;
}

bool refused(LocalBox& box, const std::string& command) {
  const test::Ran ran = box.run(command);
  UNSCOPED_INFO(command << ": " << ran.exit_code << " " << ran.out << ran.err << ran.error);
  return ran.exit_code > 0;
}

}  // namespace

TEST_CASE("a sandbox sees nothing of the host's people, secrets and devices", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  CHECK(refused(box, "cat /proc/keys"));
  for (const char* path : {"/root", "/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/ssl/private", "/sys",
                           "/boot", "/mnt", "/srv", "/run/docker.sock", "/var/lib/dpkg", "/var/lib/rexec-mcp",
                           "/dev/kmsg", "/dev/mem", "/dev/kvm", "/dev/vda", "/dev/fuse", "/dev/vsock"})
    CHECK(refused(box, std::string("test -e ") + path));
  CHECK(box.run("ls /home").out == "user\n");
  CHECK(box.run("ls -A /tmp /home/user").out == "/home/user:\n\n/tmp:\n");
  CHECK(refused(box, "grep -q : /proc/net/route && grep -qv Iface /proc/net/route"));
  CHECK(box.run("cat /etc/hostname; uname -n").out == "sandbox\nsandbox\n");
}

TEST_CASE("a sandbox sees its own processes only", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const auto listed = box.run("ps -e -o pid= | wc -l");
  CHECK(std::atoi(listed.out.c_str()) <= 8);
  CHECK(refused(box, "test -e /proc/" + std::to_string(getpid())));
  CHECK_THAT(box.run("tr '\\0' ' ' </proc/1/cmdline").out, test::StartsWith("/run/rexec/runner serve"));
  CHECK(refused(box, "kill -9 1; kill -0 1 && exit 1"));
}

TEST_CASE("a sandbox has no privileges and cannot get any", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  CHECK(box.run("id -u; id -g; id -un").out == "1000\n1000\nuser\n");
  CHECK(box.run("grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status").out ==
        "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
        "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
  CHECK(refused(box, "sudo -n true"));
  CHECK(refused(box, "su -c true </dev/null"));
  for (const char* flag : {"-Ur", "-U", "-m", "-n", "-p --fork", "-i", "-u", "-C"})
    CHECK(refused(box, std::string("unshare ") + flag + " true"));
  CHECK(refused(box, "bwrap --ro-bind / / true"));
  CHECK(refused(box, "mkdir m; mount -t tmpfs none m"));
  CHECK(refused(box, "umount /home/user"));
  CHECK(refused(box, "mount -o remount,rw /"));
  CHECK(refused(box, "chroot / true"));
  CHECK(refused(box, "hostname other"));
  CHECK(refused(box, "mknod m/null c 1 3"));
  CHECK(refused(box, "echo 1 >/proc/sys/kernel/core_uses_pid"));
  CHECK(refused(box, "echo c >/proc/sysrq-trigger"));
  CHECK(refused(box, "dmesg"));
}

TEST_CASE("a sandbox cannot change the system", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  for (const char* path : {"/new", "/usr/new", "/usr/local/new", "/opt/new", "/etc/new", "/dev/new",
                           "/home/new", "/bin/new", "/run/rexec/new", "/proc/new"})
    CHECK(refused(box, std::string("touch ") + path));
  CHECK(refused(box, "echo x >>/etc/passwd"));
  CHECK(refused(box, "chmod 777 /etc/passwd"));
  CHECK(refused(box, "rm -f /etc/passwd"));
  for (const char* path : {"/tmp/new", "/dev/shm/new", "/var/tmp/new", "/run/new", "/var/new", "~/new"})
    CHECK(works(box, std::string("touch ") + path));
}

TEST_CASE("a sandbox cannot touch its runner", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  CHECK(refused(box, "echo x >>/run/rexec/runner"));
  CHECK(refused(box, "chmod u+w /run/rexec/runner"));
  CHECK(refused(box, "rm -f /run/rexec/runner"));
  CHECK(refused(box, "mv /run/rexec /run/other"));
  CHECK(refused(box, "ls /proc/1/fd"));
  CHECK(refused(box, "cat /proc/1/environ"));
  CHECK(refused(box, "head -c1 /proc/1/mem"));
  CHECK(refused(box, "cat /proc/1/exe"));
  CHECK(refused(box, "timeout 5 strace -p 1"));
  CHECK(works(box, "gdb -p 1 -batch 2>&1 | grep -q 'not permitted'"));
  CHECK(box.run("echo alive").out == "alive\n");
}

TEST_CASE("a command inherits no descriptor", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const UniqueFd leaky(open("/dev/zero", O_RDONLY));  // as a careless library would
  LocalBox box;
  REQUIRE(box.ok());
  // 3 is the directory that ls reads.
  CHECK(box.run("exec ls /proc/self/fd").out == "0\n1\n2\n3\n");
}

TEST_CASE("a command sees none of the server's environment", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  setenv("REXEC_TEST_SECRET", "hunter2", 1);
  LocalBox box;
  unsetenv("REXEC_TEST_SECRET");
  REQUIRE(box.ok());
  const test::Ran ran = box.run("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'");
  CHECK(ran.out.find("hunter2") == std::string::npos);
  for (const char* line :
       {"HOME=/home/user\n", "USER=user\n", "LC_CTYPE=C.UTF-8\n", "PAGER=cat\n", "SHELL=/bin/"})
    CHECK_THAT(ran.out, test::ContainsSubstring(line));
  CHECK(ran.out.find("TMPDIR=") == std::string::npos);
}

TEST_CASE("a sandbox has a loopback and no other network", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  CHECK(box.run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '").out == "lo\n");
  CHECK(works(box,
              "python3 -c 'import socket as s\na = s.create_server((\"127.0.0.1\", 0))\n"
              "s.create_connection(a.getsockname(), 5)'"));
  CHECK(refused(box, "python3 -c 'import socket as s\ns.create_connection((\"192.0.2.1\", 80), 5)'"));
  CHECK(refused(box, "python3 -c 'import socket as s\ns.socket(40, s.SOCK_STREAM)'"));
  CHECK(refused(box, "getent hosts example.com"));
  CHECK(works(box, "getent hosts localhost"));
}

TEST_CASE("a sandbox with the host's network says so", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  SandboxSpec spec;
  spec.network = Network::host;
  LocalOptions options;
  options.allow_host_network = true;
  LocalBox box(spec, {}, options);
  REQUIRE(box.ok());
  CHECK(box.record().isolation == "namespaces(user,pid,mount,ipc,uts,cgroup)+seccomp+no-new-privs");
  CHECK(box.record().network == Network::host);
  const std::string own = std::filesystem::read_symlink("/proc/self/ns/net");
  CHECK(box.run("readlink /proc/self/ns/net").out == own + "\n");
}

TEST_CASE("a fork bomb stops at the sandbox's own limit", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  bool limited = false;
  for (const Limit& limit : box.record().limits)
    if (limit.name == "processes" && limit.mechanism != "not enforced") limited = true;
  if (!limited) return;
  CHECK(box.run("ulimit -u").out == "4096\n");
  // A limit so small that the user would be beyond it already if the whole machine were counted.
  const test::Ran ran = box.run(
      "exec python3 -c 'import os, resource, signal\n"
      "resource.setrlimit(resource.RLIMIT_NPROC, (10, 10))\n"
      "made = []\n"
      "try:\n"
      "  while len(made) < 100:\n"
      "    pid = os.fork()\n"
      "    if pid == 0: signal.pause()\n"
      "    made.append(pid)\n"
      "except BlockingIOError: print(5 < len(made) < 10)\n"
      "for pid in made: os.kill(pid, signal.SIGKILL)'");
  CHECK(ran.out == "True\n");
  CHECK(box.run("echo alive").out == "alive\n");
}

}  // namespace rexec::sandbox
