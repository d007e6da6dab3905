// Sandboxes of one server that another process of the same user visits.
#include <chrono>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"

namespace rexec::sandbox {
namespace {

using test::LocalBox;

/// A client beside the one of the server.
std::shared_ptr<Runner> visitor_of(LocalBox& box, const SandboxRecord& record) {
  auto channel = box.backend().visit(record.id, {});
  if (!channel) return nullptr;
  auto runner = make_runner_client(*std::move(channel), box.reactor(), record.settings, {}, {},
                                   Op{{}, Deadline::after(test::kCommandLimit)});
  return runner ? *runner : nullptr;
}

}  // namespace

TEST_CASE("a visitor shares a sandbox and loses it with its server", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  SandboxSpec spec;
  spec.name = "work";
  spec.principal = "local";
  test::ScratchState state;
  LocalBox box(spec, state.path());
  REQUIRE(box.ok());
  LocalBox other(LocalBox::Later{}, state.path());
  CHECK(box.backend().list_visitable({})->empty());  // its own
  const auto found = other.backend().list_visitable({});
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().name == "work");
  CHECK(found->front().principal == "local");
  CHECK(found->front().id == box.record().id);
  CHECK(other.backend().list({})->empty());
  const Op soon{{}, Deadline::after(std::chrono::milliseconds(50))};
  CHECK_FALSE(other.backend().destroy(box.record().id, soon));

  const auto visitor = visitor_of(other, found->front());
  REQUIRE(visitor);
  CHECK(box.run("echo shared >~/file").exit_code == 0);
  CHECK(test::run_in(*visitor, "cat ~/file").out == "shared\n");
  CHECK(test::run_in(*visitor, "find ~ /run /tmp /var /home -name visit.json -o -type s").out.empty());
  CHECK(other.backend().prune(false, {})->empty());

  SandboxRecord stranger = found->front();
  stranger.settings.secret = "guessed";
  CHECK(visitor_of(other, stranger) == nullptr);

  const auto begun = std::chrono::steady_clock::now();
  box.end();
  CHECK(test::eventually([&] { return !visitor->alive(); }));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
  CHECK(other.backend().list_visitable({})->empty());
  CHECK(visitor_of(other, found->front()) == nullptr);
  CHECK(state.sandboxes() == 0);
}

TEST_CASE("visitors who leave change nothing, and a restarted sandbox takes them again", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  test::ScratchState state;
  LocalBox box(SandboxSpec{}, state.path());
  REQUIRE(box.ok());
  LocalBox other(LocalBox::Later{}, state.path());
  const SandboxRecord record = other.backend().list_visitable({})->at(0);
  visitor_of(other, record)->close();
  CHECK(box.run("echo fine").out == "fine\n");
  box.disconnect();
  REQUIRE(box.backend().stop(record.id, {}));
  CHECK(other.backend().list_visitable({})->empty());
  REQUIRE(box.backend().start(record.id, {}));
  REQUIRE(box.connect());
  const auto visitor = visitor_of(other, other.backend().list_visitable({})->at(0));
  REQUIRE(visitor);
  CHECK(test::run_in(*visitor, "echo again").out == "again\n");
}

}  // namespace rexec::sandbox
