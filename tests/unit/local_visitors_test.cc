#include "sandbox-client/local/visitors.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "sandbox-client/local/sandbox_socket.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

using test::ScratchDirectory;

SandboxRecord visited_record(const std::string& id) {
  SandboxRecord record;
  record.id = id;
  record.name = "work";
  record.principal = "local";
  record.created_unix_ms = 1'700'000'000'000;
  record.settings = {"/home/user", "/workspace", {{"TOKEN", "not for visitors"}}, "the secret"};
  return record;
}

}  // namespace

TEST_CASE("an invitation says what a visitor needs and nothing of the environment", "[local]") {
  const std::string text = encode_invitation(visited_record("0123456789abcdef"));
  CHECK(text.find("not for visitors") == std::string::npos);
  const auto record = decode_invitation(text);
  REQUIRE(record);
  CHECK(record->name == "work");
  CHECK(record->principal == "local");
  CHECK_FALSE(record->persistent);
  CHECK(record->created_unix_ms == 1'700'000'000'000);
  CHECK(record->settings.home == "/home/user");
  CHECK(record->settings.cwd == "/workspace");
  CHECK(record->settings.secret == "the secret");
}

TEST_CASE("what is no invitation is refused", "[local]") {
  const std::string text = encode_invitation(visited_record("0123456789abcdef"));
  const auto without = [&text](const std::string& name) {
    std::string changed = text;
    changed.replace(changed.find("\"" + name + "\""), name.size() + 2, "\"other\"");
    return changed;
  };
  for (const char* name : {"format", "name", "principal", "home", "cwd", "created_unix_ms", "secret"}) {
    INFO(name);
    CHECK(decode_invitation(without(name)).error().code == ErrorCode::data_loss);
  }
  CHECK_FALSE(decode_invitation(text.substr(0, text.size() / 2)));
  std::string newer = text;
  newer.replace(newer.find("1,"), 2, "2,");
  CHECK(decode_invitation(newer).error().code == ErrorCode::unsupported);
}

TEST_CASE("visitors find the sandboxes that run, and connect to them", "[local]") {
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path(), std::nullopt);
  CHECK(invitations(state, {})->empty());
  const auto made = state.make({});
  const auto stopped = state.make({});
  const auto uninvited = state.make({});
  REQUIRE((made && stopped && uninvited));
  const auto open = [&state](const auto& directory) { return state.open((*directory)->id(), false, {}); };
  const auto listener = make_sandbox_socket(open(made)->directory.get());
  REQUIRE(listener);
  REQUIRE(make_sandbox_socket(open(stopped)->directory.get()));  // closed again
  REQUIRE(invite(state, visited_record((*made)->id()), {}));
  REQUIRE(invite(state, visited_record((*stopped)->id()), {}));

  const auto found = invitations(state, {});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().id == (*made)->id());
  CHECK(found->front().status == SandboxStatus::running);
  CHECK(visit(state, (*made)->id(), {}));
  for (const auto* other : {&stopped, &uninvited})
    CHECK(visit(state, (**other)->id(), {}).error().code == ErrorCode::not_found);
  CHECK(visit(state, "0123456789abcdef", {}).error().code == ErrorCode::not_found);
  CHECK(visit(state, "../..", {}).error().code == ErrorCode::not_found);
}

TEST_CASE("only the user himself can read an invitation and reach the socket", "[local]") {
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path(), std::nullopt);
  const auto made = state.make({});
  REQUIRE(made);
  const std::string id = (*made)->id();
  REQUIRE(make_sandbox_socket(state.open(id, false, {})->directory.get()));
  REQUIRE(invite(state, visited_record(id), {}));
  const std::string folder = scratch.path() + "/sandboxes/" + id + "/";
  for (const char* name : {"socket", kInvitationName}) {
    struct stat status {};
    REQUIRE(lstat((folder + name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(folder + "home/socket"));
}

TEST_CASE("a visitor neither holds a sandbox nor hinders its removal", "[local]") {
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path(), std::nullopt);
  auto made = state.make({});
  REQUIRE(made);
  const std::string id = (*made)->id();
  const auto listener = make_sandbox_socket(state.open(id, false, {})->directory.get());
  REQUIRE(listener);
  REQUIRE(invite(state, visited_record(id), {}));
  const auto visitor = visit(state, id, {});
  REQUIRE(visitor);
  CHECK(state.prune({})->empty());  // its server has it
  made->reset();                    // as the kernel does for a server that ended
  CHECK(*state.prune({}) == std::vector<std::string>{id});
  CHECK(invitations(state, {})->empty());
}

TEST_CASE("an invitation that is too large is neither written nor read", "[local]") {
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path(), std::nullopt);
  const auto made = state.make({});
  REQUIRE(made);
  SandboxRecord record = visited_record((*made)->id());
  record.name = std::string(kMaxInvitationBytes, 'x');
  CHECK(invite(state, record, {}).error().code == ErrorCode::invalid_argument);
  const auto listener = make_sandbox_socket(state.open((*made)->id(), false, {})->directory.get());
  REQUIRE(listener);
  std::ofstream(scratch.path() + "/sandboxes/" + record.id + "/" + kInvitationName)
      << encode_invitation(record);
  CHECK(invitations(state, {})->empty());
}

}  // namespace rexec::sandbox
