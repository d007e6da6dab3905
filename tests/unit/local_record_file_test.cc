#include "sandbox-client/local/record_file.h"

#include <fcntl.h>

#include "base/fd.h"
#include "tests/support/catch.h"
#include "tests/support/local_box.h"

using namespace rexec;
using namespace rexec::sandbox;
using rexec::test::ContainsSubstring;

namespace {

KeptRecord sample() {
  KeptRecord kept;
  kept.spec.principal = kept.record.principal = "local";
  kept.spec.name = kept.record.name = "work";
  kept.spec.network = kept.record.network = Network::host;
  kept.spec.idle_expiry = kept.record.idle_expiry = std::chrono::hours(5);
  kept.spec.expires_unix_ms = kept.record.expires_unix_ms = 1'800'000'000'000;
  kept.spec.env = {{"A", "1"}, {"B", "ü \n\""}};
  kept.spec.labels = kept.record.labels = {{"team", "core"}};
  kept.spec.memory_mb = 512;
  kept.spec.cpus = 1.5;
  kept.record.id = "0123456789abcdef";
  kept.record.home = kept.record.cwd = "/home/user";
  kept.record.isolation = "namespaces(user)";
  kept.record.mounts = {"/data"};
  kept.record.created_unix_ms = 1'700'000'000'000;
  kept.record.limits = {{"processes", "4096", "rlimit"}};
  kept.record.settings.env = {{"PATH", "/usr/bin"}, {"A", "1"}};
  kept.record.settings.secret = "0011";
  return kept;
}

}  // namespace

TEST_CASE("A record says everything again that a later server needs", "[local]") {
  const auto text = encode_record(sample());
  REQUIRE(text.ok());
  const auto kept = decode_record(*text);
  REQUIRE(kept.ok());
  CHECK(kept->record.persistent);
  CHECK(kept->record.principal == "local");
  CHECK(kept->record.name == "work");
  CHECK(kept->record.network == Network::host);
  CHECK(kept->spec.idle_expiry == std::chrono::hours(5));
  CHECK(kept->record.expires_unix_ms == 1'800'000'000'000);
  CHECK(kept->spec.env == sample().spec.env);
  CHECK(kept->spec.labels == sample().spec.labels);
  CHECK(kept->spec.memory_mb == 512U);
  CHECK_FALSE(kept->spec.disk_mb);
  CHECK(kept->spec.cpus == 1.5);
  CHECK(kept->record.mounts == std::vector<std::string>{"/data"});
  CHECK(kept->record.limits.at(0).mechanism == "rlimit");
  CHECK(kept->record.settings.env == sample().record.settings.env);
  CHECK(kept->record.settings.secret == "0011");
  CHECK(*encode_record(*kept) == *text);
}

TEST_CASE("What is no record, or one of the future, says what to do", "[local]") {
  const std::string good = *encode_record(sample());
  for (const std::string& bad :
       {std::string(), std::string("{}"), good.substr(0, good.size() / 2), std::string(R"({"format": 0})"),
        std::string(R"({"format": 1, "name": 5})")}) {
    const auto kept = decode_record(bad);
    REQUIRE_FALSE(kept.ok());
    CHECK(kept.error().code == ErrorCode::data_loss);
    CHECK_THAT(kept.error().message, ContainsSubstring("sandboxes delete"));
    CHECK_THAT(kept.error().message, !ContainsSubstring("0011"));
  }
  const auto newer = decode_record(R"({"format": 2, "whatever": []})");
  REQUIRE_FALSE(newer.ok());
  CHECK(newer.error().code == ErrorCode::unsupported);
  CHECK_THAT(newer.error().message, ContainsSubstring("newer version"));
}

TEST_CASE("A record is there as a whole or not at all", "[local]") {
  const test::ScratchState scratch;
  const UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_FALSE(has_record(directory.get()));
  CHECK(read_record(directory.get()).error().code == ErrorCode::not_found);
  REQUIRE(write_record(directory.get(), sample()).ok());
  CHECK(has_record(directory.get()));
  KeptRecord too_large = sample();
  too_large.record.settings.env.emplace_back("BIG", std::string(kMaxRecordBytes, 'x'));
  CHECK(write_record(directory.get(), too_large).error().code == ErrorCode::invalid_argument);
  CHECK(read_record(directory.get())->record.name == "work");
  CHECK(remove_record(directory.get()).ok());
  CHECK(remove_record(directory.get()).ok());
  CHECK_FALSE(has_record(directory.get()));
}
