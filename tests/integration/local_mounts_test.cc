// Directories of the host in real sandboxes: who owns what is made there, and what cannot be changed from
// inside.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "sandbox-client/manager.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

using rexec::test::ContainsSubstring;
using test::LocalBox;
using test::ScratchDirectory;
namespace fs = std::filesystem;

uid_t sandbox_user() {
  return geteuid() == 0 ? LocalOptions{}.sandbox_uid : geteuid();
}

/// A project of a person, with a repository in it and one below.
struct Project {
  ScratchDirectory scratch;
  std::string path = scratch.make("project");

  Project() {
    for (const char* repository : {".git", "sub/.git"}) {
      const std::string git = "project/" + std::string(repository);
      scratch.write(git + "/HEAD", "ref: refs/heads/main\n");
      scratch.write(git + "/config", "[core]\n\trepositoryformatversion = 0\n");
      scratch.write(git + "/hooks/pre-commit.sample", "#!/bin/sh\n");
      scratch.make(git + "/objects");
      scratch.make(git + "/refs/heads");
    }
    scratch.write("project/.bashrc", "true\n");
    give();
  }
  void give() const {
    if (geteuid() != 0) return;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      REQUIRE(::lchown(entry.path().c_str(), sandbox_user(), sandbox_user()) == 0);
    REQUIRE(::lchown(path.c_str(), sandbox_user(), sandbox_user()) == 0);
  }
  bool has(const std::string& name) const {
    return fs::symlink_status(path + "/" + name).type() != fs::file_type::not_found;
  }
  LocalOptions options() const {
    LocalOptions options;
    options.mounts.workspace = path;
    return options;
  }
};

bool fails_in_workspace(LocalBox& box, const std::string& command) {
  const test::Ran ran = box.run("cd /workspace && " + command);
  UNSCOPED_INFO(command << ": " << ran.exit_code << " " << ran.out << ran.err << ran.error);
  return ran.exit_code > 0;
}

}  // namespace

TEST_CASE("a workspace is where a sandbox starts, and what it makes there is the person's", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  LocalBox box(SandboxSpec{}, {}, project.options());
  REQUIRE(box.ok());
  CHECK(box.record().cwd == "/workspace");
  CHECK(box.record().mounts == std::vector<std::string>{project.path + " at /workspace, read-write"});
  CHECK(box.record().capabilities.empty());
  CHECK(box.run("pwd && mkdir new && echo hi >new/file && stat -c %u new/file").out == "/workspace\n1000\n");
  struct stat status {};
  REQUIRE(::stat((project.path + "/new/file").c_str(), &status) == 0);
  CHECK(status.st_uid == sandbox_user());
  CHECK(box.run("cat sub/.git/HEAD").out == "ref: refs/heads/main\n");
}

TEST_CASE("a sandbox cannot make a workspace run things on the host later", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  LocalBox box(SandboxSpec{}, {}, project.options());
  REQUIRE(box.ok());
  for (const char* command : {"echo x >.git/hooks/pre-commit",
                              "echo x >.git/config",
                              "rm .git/config",
                              "mv .git/config .git/c",
                              "echo x >new && mv new .git/config",
                              "echo x >.git/commondir",
                              "rm .git/commondir",
                              "rm -r .git/hooks",
                              "mv .git/hooks .git/h",
                              "ln -sfn /tmp .git/hooks",
                              "mv .git .git2",
                              "rm -rf .git",
                              "mv sub sub2",
                              "mv sub/.git sub/g",
                              "echo x >sub/.git/hooks/pre-commit",
                              "echo x >sub/.git/config",
                              "echo x >.envrc",
                              "mkdir .vscode/x",
                              "echo {} >.vscode/tasks.json",
                              "echo {} >.claude/settings.json",
                              "echo {} >.mcp.json",
                              "mv .mcp.json m",
                              "rmdir .cursor",
                              "ln -s /tmp .idea/x",
                              "echo x >.bashrc",
                              "ln .git/config linked",
                              "chmod 777 .git/hooks",
                              "umount .git/hooks",
                              "mount -o remount,rw .git/hooks",
                              "unshare -rm true"})
    CHECK(fails_in_workspace(box, command));
  CHECK(box.run("echo x >.git/index && echo x >file && mv file .git/COMMIT_EDITMSG && echo ok").out ==
        "ok\n");
  CHECK(fs::file_size(project.path + "/.git/hooks/pre-commit.sample") == 10);
}

TEST_CASE("a workspace has nothing of ours left when its sandboxes have ended", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  const test::ScratchState state;
  {
    LocalBox first(SandboxSpec{}, state.path(), project.options());
    REQUIRE(first.ok());
    {
      LocalBox second(SandboxSpec{}, state.path(), project.options());
      REQUIRE(second.ok());
      CHECK(fails_in_workspace(second, "echo x >.envrc"));
    }
    CHECK(fails_in_workspace(first, "echo x >.envrc"));
    CHECK(project.has(".envrc"));
  }
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(project.path)) left.push_back(entry.path().filename());
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector<std::string>{".bashrc", ".git", "sub"});
  CHECK_FALSE(project.has(".git/commondir"));
  CHECK_FALSE(project.has(".git/config.worktree"));
}

TEST_CASE("a restarted sandbox has its mounts, and their protection, again", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  LocalBox box(SandboxSpec{}, {}, project.options());
  REQUIRE(box.ok());
  box.disconnect();
  REQUIRE(box.backend().stop(box.record().id, {}));
  CHECK_FALSE(project.has(".envrc"));
  REQUIRE(box.backend().start(box.record().id, {}));
  REQUIRE(box.connect());
  CHECK(fails_in_workspace(box, "echo x >.envrc"));
  CHECK(box.run("echo x >ok && cat ok").out == "x\n");
}

TEST_CASE("further mounts are read-only when they say so, and may be files", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  project.scratch.write("data/inner/file", "data\n");
  project.scratch.write("one", "one\n");
  LocalOptions options;
  options.mounts.mounts = {{project.scratch.path() + "/data", "/data", true},
                           {project.scratch.path() + "/one", "/home/user/in/one", true}};
  LocalBox box(SandboxSpec{}, {}, options);
  REQUIRE(box.ok());
  CHECK(box.record().cwd == "/home/user");
  CHECK(box.record().mounts.size() == 2);
  CHECK(box.run("cat /data/inner/file in/one").out == "data\none\n");
  CHECK(box.run("touch /data/x").exit_code > 0);
  CHECK(box.run("echo x >in/one").exit_code > 0);
  CHECK_FALSE(fs::exists(project.scratch.path() + "/data/.envrc"));
}

TEST_CASE("a sandbox ends when the person replaces a file that it cannot write, and says why", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const auto replace = [](const Project& project, const std::string& name) {
    project.scratch.write("project/new", "[core]\n");
    project.give();
    fs::rename(project.path + "/new", project.path + "/" + name);
  };
  const auto move_and_make = [](const Project& project, const std::string& name) {
    fs::rename(project.path + "/" + name, project.path + "/" + name + "~");
    project.scratch.write("project/" + name, "[core]\n");
    project.give();
  };
  const std::vector<std::function<void(const Project&, const std::string&)>> ways = {replace, move_and_make};
  const bool persistent = GENERATE(false, true);
  for (const auto& change : ways) {
    const Project project;
    SandboxSpec spec;
    spec.name = "work";
    spec.principal = "local";
    spec.persistent = persistent;
    LocalBox box(spec, {}, project.options());
    REQUIRE(box.ok());
    const std::string later =
        "sleep 0.5; while :; do echo evil >>/workspace/.git/config; echo evil >>/workspace/.bashrc; done";
    CHECK(box.run("setsid -f sh -c '" + later + "' 2>/dev/null; echo begun").out == "begun\n");
    change(project, ".git/config");
    REQUIRE(test::eventually([&] { return !box.runner().alive(); }));
    const auto again = box.backend().open_channel(box.record().id, {});
    REQUIRE_FALSE(again);
    CHECK_THAT(
        again.error().message,
        ContainsSubstring("a file that is read-only in the sandbox was replaced, moved or removed on the "
                          "host: \"/workspace/.git/config\"; the sandbox was ended"));
    if (persistent) {
      const auto ended = [&] {
        const auto records = box.backend().list({});
        return records && records->size() == 1 && records->front().status == SandboxStatus::stopped &&
               records->front().ended.find("/workspace/.git/config") != std::string::npos;
      };
      CHECK(test::eventually(ended));
      REQUIRE(box.backend().start(box.record().id, {}));
      REQUIRE(box.connect());
      CHECK(fails_in_workspace(box, "echo evil >>.git/config"));
      REQUIRE(box.backend().destroy(box.record().id, {}));
    }
    box.end();
    CHECK(read_whole_file(project.path + "/.git/config", 1 << 10).value() == "[core]\n");
    CHECK(read_whole_file(project.path + "/.bashrc", 1 << 10).value() == "true\n");
  }
}

TEST_CASE("the answer after a default sandbox ended by itself says why", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  const test::ScratchState state;
  LocalOptions options = project.options();
  options.state_directory = state.path();
  const auto reactor = make_reactor();
  const auto manager =
      make_sandbox_manager(make_local_backend(options, *reactor), *reactor, system_clock(), {}, {});
  const auto first = manager->acquire({"local"}, std::nullopt, {});
  REQUIRE(first);
  fs::rename(project.path + "/.bashrc", project.path + "/other");
  REQUIRE(test::eventually([&] { return !first->runner->alive(); }));
  const auto second = manager->acquire({"local"}, std::nullopt, {});
  REQUIRE(second);
  CHECK(second->recreated);
  CHECK_THAT(second->lost_because, ContainsSubstring("\"/workspace/.bashrc\""));
}

TEST_CASE("what the person allows may be written", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  LocalOptions options = project.options();
  options.mounts.allow_write = {".git/hooks", ".vscode"};
  LocalBox box(SandboxSpec{}, {}, options);
  REQUIRE(box.ok());
  CHECK(box.run("mkdir .vscode && echo x >.git/hooks/post-commit && echo ok").out == "ok\n");
  CHECK(fails_in_workspace(box, "echo x >.git/config"));
}

TEST_CASE("a mount that cannot be had is an error, and nothing is left behind", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Project project;
  const test::ScratchState state;
  LocalOptions options = project.options();
  options.mounts.mounts = {{"/nonexistent/x", "/data", true}};
  LocalBox box(SandboxSpec{}, state.path(), options);
  CHECK_FALSE(box.ok());
  CHECK(state.sandboxes() == 0);
  CHECK_FALSE(project.has(".envrc"));
}

}  // namespace rexec::sandbox
