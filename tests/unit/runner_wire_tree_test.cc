#include "sandbox-client/runner/wire_tree.h"

#include "tests/support/catch.h"
#include "tests/support/round_trip.h"

namespace rexec::runner {
namespace {

template <class Message>
bool accepted_tree(const Message& message) {
  Message decoded;
  return decode(encode(message), decoded);
}

}  // namespace

TEST_CASE("The messages about trees survive encoding and refuse to be cut", "[runner]") {
  const ListFiles list = round_trip(ListFiles{"/a", "*.c", 3, true, 500, "b", 1000});
  CHECK((list.glob == "*.c" && list.depth == 3 && list.hidden && list.after == "b"));
  Listing listing;
  listing.entries.push_back({"a/b", {FileType::symlink, 7, 0777, -1, "target"}});
  listing.stopped = Stopped::time;
  listing.next = "a/b";
  listing.gaps = {1, 2};
  CHECK(round_trip(listing).entries[0].info.target == "target");
  CHECK(round_trip(SearchFiles{"/a", "x+", "*", true, 2, 100, 1000}).context_lines == 2);
  SearchResult result;
  result.matches.push_back({"a", 7, "text", true, false, {"b"}, {"c", ""}});
  result.files = 3;
  CHECK(round_trip(result).matches[0].after == std::vector<std::string>{"c", ""});
}

TEST_CASE("Messages about trees beyond their limits are refused", "[runner]") {
  ListFiles list;
  list.limit = kMaxListed;
  CHECK(accepted_tree(list));
  ++list.limit;
  CHECK_FALSE(accepted_tree(list));
  list = {};
  list.depth = kMaxTreeDepth + 1;
  CHECK_FALSE(accepted_tree(list));
  list = {};
  list.glob = std::string(kMaxGlob + 1, 'x');
  CHECK_FALSE(accepted_tree(list));
  list = {};
  list.max_ms = kMaxTreeMs + 1;
  CHECK_FALSE(accepted_tree(list));
  SearchFiles search;
  search.pattern = std::string(kMaxPattern + 1, 'x');
  CHECK_FALSE(accepted_tree(search));
  search = {};
  search.context_lines = kMaxContextLines + 1;
  CHECK_FALSE(accepted_tree(search));
  search = {};
  search.limit = kMaxMatches + 1;
  CHECK_FALSE(accepted_tree(search));
  Listing listing;
  listing.entries.resize(kMaxListed + 1);
  CHECK_FALSE(accepted_tree(listing));
  SearchResult result;
  result.matches.resize(kMaxMatches + 1);
  CHECK_FALSE(accepted_tree(result));
  result.matches.resize(1);
  result.matches[0].text = std::string(kMaxHitBytes + 1, 'x');
  CHECK_FALSE(accepted_tree(result));
  result.matches[0].text.clear();
  result.matches[0].before.resize(kMaxContextLines + 1);
  CHECK_FALSE(accepted_tree(result));
}

}  // namespace rexec::runner
