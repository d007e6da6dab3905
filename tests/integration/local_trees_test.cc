// Listing and searching in a real sandbox, and tricks that might lead out of it.
#include <future>

#include "tests/support/catch.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"

namespace rexec::sandbox {
namespace {

using test::ContainsSubstring;
using test::LocalBox;

Result<Listing> list(LocalBox& box, ListSpec spec) {
  std::promise<Result<Listing>> promise;
  box.runner().list_files(std::move(spec), Op{{}, Deadline::after(test::kCommandLimit)},
                          [&](Result<Listing> listing) { promise.set_value(std::move(listing)); });
  return promise.get_future().get();
}

Result<SearchResult> search(LocalBox& box, SearchSpec spec) {
  std::promise<Result<SearchResult>> promise;
  box.runner().search_files(std::move(spec), Op{{}, Deadline::after(test::kCommandLimit)},
                            [&](Result<SearchResult> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

ListSpec everything_below(std::string path) {
  ListSpec spec;
  spec.path = std::move(path);
  spec.depth = 64;
  spec.hidden = true;
  return spec;
}

SearchSpec search_for(std::string path, std::string pattern) {
  SearchSpec spec;
  spec.path = std::move(path);
  spec.pattern = std::move(pattern);
  return spec;
}

}  // namespace

TEST_CASE("a sandbox without any tools is listed and searched", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  REQUIRE(box.run("mkdir -p src/x && echo 'int main' >src/x/a.c && echo y >src/b.h").exit_code == 0);
  const auto listing = list(box, everything_below("~/src"));
  REQUIRE(listing);
  REQUIRE(listing->entries.size() == 3);
  CHECK(listing->entries[2].path == "x/a.c");
  SearchSpec spec = search_for("src", "ma[i]n");
  spec.glob = "*.c";
  const auto found = search(box, spec);
  REQUIRE(found);
  REQUIRE(found->matches.size() == 1);
  CHECK(found->matches[0].path == "x/a.c");
  CHECK(list(box, everything_below("nowhere")).error().code == ErrorCode::not_found);
}

TEST_CASE("symlinks and dots do not lead a listing or search out of a sandbox", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  // The state directory of the server, which no sandbox sees.
  const std::string host = box.state().path();
  REQUIRE(box.run("mkdir t && ln -s '" + host +
                  "' t/state && ln -s / t/root && ln -s /proc/1/root t/proc && "
                  "ln -s .. t/up && echo mark >mark && echo mark >t/own")
              .exit_code == 0);
  const auto inside = list(box, everything_below("t"));
  REQUIRE(inside);
  CHECK(inside->entries.size() == 5);
  const auto found = search(box, search_for("t", "mark"));
  REQUIRE(found);
  REQUIRE(found->matches.size() == 1);
  CHECK(found->matches[0].path == "own");
  for (const std::string& path : {host, std::string("t/state"), std::string("../../../../../../../..") + host,
                                  "/proc/self/root" + host})
    CHECK_FALSE(list(box, everything_below(path)));
  // What a link leads to is the sandbox's own.
  const auto up = search(box, search_for("t/up/t/../..", "user"));
  REQUIRE(up);
}

TEST_CASE("a directory that is swapped for a symlink is never searched through it", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  REQUIRE(box.run("mkdir -p t/d outside && echo secret >outside/s && echo plain >t/d/p").exit_code == 0);
  ProcessSpec swapper;
  swapper.command = "while :; do mv t/d t/e && ln -s ../outside t/d; rm -f t/d; mv t/e t/d; done 2>/dev/null";
  WaitSpec at_once;
  at_once.until = Until::now;
  std::promise<std::uint64_t> started;
  box.runner().start(swapper, at_once, Op{}, [&](const Result<ProcessReport>& report) {
    started.set_value(report ? report->process : 0);
  });
  REQUIRE(started.get_future().get() != 0);
  for (int i = 0; i < 100; ++i) {
    const auto found = search(box, search_for("t", "secret"));
    REQUIRE(found);
    CHECK(found->matches.empty());
    const auto listing = list(box, everything_below("t"));
    REQUIRE(listing);
    for (const ListEntry& entry : listing->entries) CHECK_THAT(entry.path, !ContainsSubstring("s"));
  }
}

}  // namespace rexec::sandbox
