#include "sandbox-client/runner/line_search.h"

#include <re2/re2.h>

#include "tests/support/catch.h"

namespace rexec::runner {
namespace {

struct Options {
  std::size_t limit = 100;
  std::size_t context_lines = 0;
  std::size_t piece = std::string::npos;
};

SearchResult search(const std::string& pattern, const std::string& contents, Options options = {}) {
  const re2::RE2 regex(pattern);
  SearchResult result;
  LineSearch lines(regex, options.limit, options.context_lines, result);
  lines.begin("file");
  for (std::size_t at = 0; at < contents.size(); at += options.piece) {
    if (!lines.feed(std::string_view(contents).substr(at, options.piece))) break;
    if (options.piece == std::string::npos) break;
  }
  lines.finish();
  return result;
}

std::vector<std::uint64_t> lines_of(const SearchResult& result) {
  std::vector<std::uint64_t> lines;
  for (const SearchMatch& match : result.matches) lines.push_back(match.line);
  return lines;
}

using Lines = std::vector<std::uint64_t>;
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Lines that match are found with their numbers", "[runner]") {
  const SearchResult result = search("^b.*d$", "abd\nbcd\r\n\nbd");
  REQUIRE(lines_of(result) == Lines{2, 4});
  CHECK(result.matches[0].text == "bcd");
  CHECK(result.matches[0].path == "file");
  CHECK(lines_of(search("x", "")).empty());
  CHECK(lines_of(search("^$", "a\n\n")) == Lines{2});
  CHECK(lines_of(search("a\\nb", "a\nb")).empty());
}

TEST_CASE("It makes no difference where the pieces of a file end", "[runner]") {
  std::string contents;
  for (int i = 0; i < 40; ++i) contents += (i % 7 == 0 ? "needle " : "straw ") + std::to_string(i) + "\r\n";
  contents += "needle at the end";
  const std::string whole = encode(search("needle", contents, {4, 2}));
  for (std::size_t piece = 1; piece < 50; ++piece)
    CHECK(encode(search("needle", contents, {4, 2, piece})) == whole);
}

TEST_CASE("Matches come with the lines around them", "[runner]") {
  const SearchResult result = search("x", "a\nb\nx1\nc\nx2\nd\n", {100, 2});
  REQUIRE(result.matches.size() == 2);
  CHECK(result.matches[0].before == Texts{"a", "b"});
  CHECK(result.matches[0].after == Texts{"c", "x2"});
  CHECK(result.matches[1].before == Texts{"x1", "c"});
  CHECK(result.matches[1].after == Texts{"d"});
}

TEST_CASE("A search ends at its limit and says so only when there was more", "[runner]") {
  CHECK(search("x", "x\nx\n", {2}).stopped == Stopped::complete);
  const SearchResult more = search("x", "x\na\nx\nb\nx\n", {2, 1});
  CHECK(more.stopped == Stopped::limit);
  CHECK(lines_of(more) == Lines{1, 3});
  CHECK(more.matches[1].after == Texts{"b"});
}

TEST_CASE("What is found fits one reply", "[runner]") {
  std::string contents;
  for (int i = 0; i < 40000; ++i) contents += std::string(200, 'x') + "\n";
  for (const std::size_t context : {std::size_t{0}, std::size_t{50}}) {
    const SearchResult result = search("x", contents, {kMaxMatches, context});
    CHECK(result.stopped == Stopped::size);
    CHECK(encode(result).size() > kMaxTreeReply / 2);
    CHECK(encode(result).size() < kMaxTreeReply + (64 << 10));
  }
}

TEST_CASE("Of a long line the part around the match is shown", "[runner]") {
  const SearchResult result =
      search("needle", std::string(5000, 'a') + "needle" + std::string(5000, 'b') + "\nneedle\n");
  REQUIRE(result.matches.size() == 2);
  const SearchMatch& match = result.matches[0];
  CHECK(match.text.size() == kMaxHitBytes);
  CHECK(match.text.find("aneedleb") != std::string::npos);
  CHECK(match.cut_before);
  CHECK(match.cut_after);
  CHECK_FALSE(result.matches[1].cut_before);
  CHECK_FALSE(result.matches[1].cut_after);
}

TEST_CASE("Of a line without end only the start is searched and kept", "[runner]") {
  const std::string start = "early" + std::string(kMaxLineBytes, 'a');
  const SearchResult early = search("early", start + "late\nearly\n", {100, 0, 1000});
  CHECK(lines_of(early) == Lines{1, 2});
  CHECK(early.long_lines == 1);
  CHECK(early.matches[0].cut_after);
  CHECK(lines_of(search("late", start + "late\nlate\n", {100, 0, 1000})) == Lines{2});
}

TEST_CASE("A file with a NUL byte is binary", "[runner]") {
  const std::string nul("\0", 1);
  const SearchResult at_once = search("x", "x\nx" + nul + "\nx\n");
  CHECK(at_once.matches.empty());
  CHECK(at_once.binary == 1);
  const SearchResult later = search("x", "x\ny\nx\nx" + nul + "x\nx\n", {100, 0, 4});
  CHECK(lines_of(later) == Lines{1, 3});
  CHECK(later.binary == 1);
}

}  // namespace rexec::runner
