#include "sandbox-client/local/kept_process.h"

#include <fcntl.h>
#include <unistd.h>

#include "sandbox-client/runner/wire.h"
#include "tests/support/catch.h"
#include "tests/support/local_box.h"

using namespace rexec;
using namespace rexec::sandbox;

TEST_CASE("What bwrap wrote about a start and an end is understood, and nothing else", "[local]") {
  CHECK_FALSE(parse_kept_status("").started);
  CHECK_FALSE(parse_kept_status("{ \"child-pid\": 12").started);
  CHECK_FALSE(parse_kept_status("{ \"child-pid\": 1, \"pid-namespace\": 5 }\n").started);
  CHECK_FALSE(parse_kept_status("{ \"child-pid\": 12 }\n").started);
  const auto status =
      parse_kept_status("{ \"child-pid\": 12, \"mnt-namespace\": 6, \"pid-namespace\": 7 }\nnoise\n");
  REQUIRE(status.started);
  CHECK(status.started->pid == 12);
  CHECK(status.started->pid_namespace == 7);
  CHECK_FALSE(status.exit_code);
  CHECK(parse_kept_status("{ \"child-pid\": 12, \"pid-namespace\": 7 }\n{ \"exit-code\": 75 }\n").exit_code ==
        75);
}

TEST_CASE("A sandbox runs as long as anybody holds the description that was claimed", "[local]") {
  const test::ScratchState scratch;
  const UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_FALSE(look_at_kept(directory.get()).running);
  auto claimed = claim_alive(directory.get());
  REQUIRE(claimed.ok());
  CHECK(look_at_kept(directory.get()).running);
  CHECK(claim_alive(directory.get()).error().code == ErrorCode::already_exists);
  auto held_by_another = duplicate(claimed->get());
  REQUIRE(held_by_another.ok());
  claimed->reset();
  CHECK(look_at_kept(directory.get()).running);
  const std::string end = "{ \"exit-code\": " + std::to_string(kLeaseOver) + " }\n";
  REQUIRE(write_all(held_by_another->get(), end).ok());
  CHECK_FALSE(look_at_kept(directory.get()).lease_over);
  held_by_another->reset();
  CHECK_FALSE(look_at_kept(directory.get()).running);
  CHECK(look_at_kept(directory.get()).lease_over);
  REQUIRE(claim_alive(directory.get()).ok());
  CHECK_FALSE(look_at_kept(directory.get()).lease_over);
}

static_assert(kLeaseOver == runner::kLeaseOverStatus);
static_assert(kMountLost == runner::kMountLostStatus);
static_assert(kMountLostPrefix == std::string_view(runner::kMountLostPrefix));

TEST_CASE("Why a runner ended itself is in the file, and is shown without what could mislead", "[local]") {
  const test::ScratchState scratch;
  const UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto claimed = claim_alive(directory.get());
  REQUIRE(claimed.ok());
  REQUIRE(write_all(claimed->get(), "{\"ended\": \"it \\\\040 \\u001b[1m\\n\u00e9\"}\n").ok());
  CHECK(look_at_kept(directory.get()).ended == "it \\040 ?[1m???");
  REQUIRE(write_all(claimed->get(), "{ \"exit-code\": " + std::to_string(kMountLost) + " }\n").ok());
  CHECK(look_at_kept(directory.get()).ended == "it \\040 ?[1m???");
  REQUIRE(write_all(claimed->get(), "{ \"exit-code\": 0 }\n").ok());
  CHECK(look_at_kept(directory.get()).ended.empty());
  claimed->reset();
  REQUIRE(claim_alive(directory.get()).ok());
  CHECK(look_at_kept(directory.get()).ended.empty());
  CHECK(shown_reason(std::string(1000, 'x')).size() == 400);
}

TEST_CASE("Only the process that the file is about is killed", "[local]") {
  const test::ScratchState scratch;
  const UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK(end_kept(directory.get(), {}).ok());
  const auto claimed = claim_alive(directory.get());
  REQUIRE(claimed.ok());
  // This process is in no pid namespace of that number.
  const std::string status = "{ \"child-pid\": " + std::to_string(getpid()) + ", \"pid-namespace\": 1 }\n";
  REQUIRE(write_all(claimed->get(), status).ok());
  const Op op{{}, Deadline::after(std::chrono::milliseconds(50))};
  CHECK(end_kept(directory.get(), op).error().code == ErrorCode::deadline_exceeded);
}
