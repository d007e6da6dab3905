// Requests about trees, and answers that a hostile sandbox may give to them.
#include "sandbox-client/runner/wire_tree.h"
#include "tests/support/catch.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::test;
using namespace rexec::sandbox;
using rexec::test::ContainsSubstring;
using runner::MessageType;

namespace {

ListSpec list_spec() {
  ListSpec spec;
  spec.path = "/a";
  return spec;
}

SearchSpec search_spec(std::string pattern) {
  SearchSpec spec;
  spec.path = "/a";
  spec.pattern = std::move(pattern);
  return spec;
}

bool list_refused(const runner::Listing& listing, ListSpec spec = list_spec()) {
  RunnerFixture f;
  Outcome<Listing> outcome;
  f.runner->list_files(std::move(spec), Op{}, outcome.take());
  f.wire.reply(f.next(MessageType::list_files), MessageType::listing, listing);
  const auto result = outcome.wait();
  return !result && result.error().code == ErrorCode::data_loss;
}

bool search_refused(const runner::SearchMatch& match) {
  RunnerFixture f;
  Outcome<SearchResult> outcome;
  SearchSpec spec = search_spec("x");
  spec.context_lines = 2;
  f.runner->search_files(std::move(spec), Op{}, outcome.take());
  runner::SearchResult answer;
  answer.matches.push_back(match);
  f.wire.reply(f.next(MessageType::search_files), MessageType::matches, answer);
  const auto result = outcome.wait();
  return !result && result.error().code == ErrorCode::data_loss;
}

runner::Listing listing_of(const std::vector<std::string>& paths) {
  runner::Listing listing;
  for (const std::string& path : paths) listing.entries.push_back({path, {}});
  return listing;
}

}  // namespace

TEST_CASE("Listings that do not fit the question are refused") {
  CHECK_FALSE(list_refused(listing_of({"a", "a/b", "b"})));
  for (const char* path : {"", "/etc", "..", "../x", "a/../b", "a//b", "a/", "./a"})
    CHECK(list_refused(listing_of({path})));
  CHECK(list_refused(listing_of({std::string("a\0b", 3)})));
  CHECK(list_refused(listing_of({"b", "a"})));
  CHECK(list_refused(listing_of({"a", "a"})));
  ListSpec spec = list_spec();
  spec.after = "b";
  CHECK(list_refused(listing_of({"b"}), spec));
  CHECK_FALSE(list_refused(listing_of({"c"}), spec));
  spec = list_spec();
  spec.limit = 1;
  CHECK(list_refused(listing_of({"a", "b"}), spec));
  runner::Listing backwards = listing_of({"b"});
  backwards.stopped = runner::Stopped::limit;
  backwards.next = "a";
  CHECK(list_refused(backwards));
}

TEST_CASE("Matches that do not fit the question are refused") {
  CHECK_FALSE(search_refused({"a", 3, "x", false, false, {"1", "2"}, {"4", "5"}}));
  CHECK_FALSE(search_refused({"", 1, "x", false, false, {}, {}}));
  CHECK(search_refused({"../a", 3, "x", false, false, {}, {}}));
  CHECK(search_refused({"a", 0, "x", false, false, {}, {}}));
  CHECK(search_refused({"a", 2, "x", false, false, {"0", "1"}, {}}));
  CHECK(search_refused({"a", 9, "x", false, false, {}, {"1", "2", "3"}}));
}

TEST_CASE("What is asked about trees is bounded before it is sent") {
  RunnerFixture f;
  const auto refusal = [&](ListSpec spec) {
    Outcome<Listing> outcome;
    f.runner->list_files(std::move(spec), Op{}, outcome.take());
    const auto result = outcome.wait();
    return result ? "" : result.error().message;
  };
  ListSpec spec = list_spec();
  spec.glob = std::string(runner::kMaxGlob + 1, 'x');
  CHECK_THAT(refusal(spec), ContainsSubstring("the glob has 1025 bytes; at most 1024"));
  Outcome<SearchResult> outcome;
  f.runner->search_files(search_spec(std::string(runner::kMaxPattern + 1, 'x')), Op{}, outcome.take());
  CHECK_THAT(outcome.wait().error().message, ContainsSubstring("the pattern has 4097 bytes"));
}

TEST_CASE("A failure about a tree says what to change") {
  RunnerFixture f;
  Outcome<Listing> outcome;
  f.runner->list_files(list_spec(), Op{}, outcome.take());
  f.wire.reply(f.next(MessageType::list_files), MessageType::error,
               runner::Failure{22, "glob", "\"[\" has no \"]\""});
  const auto result = outcome.wait();
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::invalid_argument);
  CHECK_THAT(result.error().message, ContainsSubstring("\"[\" has no \"]\""));
}
