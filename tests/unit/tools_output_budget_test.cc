#include "tools/support/output_budget.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/utf8.h"
#include "tests/support/catch.h"
#include "tests/support/numbered_lines.h"

using rexec::sandbox::StreamReport;
using rexec::test::numbered_lines;
using rexec::tools::as_report;
using rexec::tools::Omission;
using rexec::tools::StreamView;
using rexec::tools::view_base64;
using rexec::tools::view_ends;
using rexec::tools::view_page;

namespace {

std::uint64_t lines_in(const std::string& bytes) {
  return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

/// A report as a runner makes it: from `from` on, `head` bytes of the start and `tail` of the end.
StreamReport report_of(const std::string& output, std::size_t head, std::size_t tail,
                       std::uint64_t from = 0) {
  const std::string rest = output.substr(from);
  StreamReport report;
  report.from = from;
  report.produced = output.size();
  report.newlines = lines_in(rest);
  report.end = true;
  report.head_offset = from;
  if (rest.size() <= head + tail) head = rest.size();
  report.head = rest.substr(0, head);
  report.tail_offset = report.head_offset + report.head.size();
  if (rest.size() > head) {
    report.tail = rest.substr(rest.size() - tail);
    report.tail_offset = output.size() - tail;
  }
  return report;
}

std::string marker(const Omission& omission) {
  return "[" + std::to_string(omission.bytes) + "|" + std::to_string(omission.lines) + "|" +
         std::to_string(omission.lost) + "|" + std::to_string(omission.offset) + "]";
}

/// Everything that is said about a cut is true of `output`.
void check_account(const std::string& output, const StreamView& view, std::size_t max_chars) {
  CHECK(rexec::utf8_length(view.text) <= max_chars);
  CHECK(rexec::is_valid_utf8(view.text));
  REQUIRE(view.gap);
  const std::string line = marker({view.omitted_bytes, view.omitted_lines, view.lost_bytes, view.gap_offset});
  const std::size_t at = view.text.find(line);
  REQUIRE(at != std::string::npos);
  CHECK(view.next == output.size());
  const std::string gap = output.substr(view.gap_offset, view.omitted_bytes);
  CHECK(view.omitted_lines == lines_in(gap));
}

}  // namespace

TEST_CASE("output of exactly the budget is not cut, one character more is", "[tools]") {
  const std::string exact = std::string(999, 'x') + "\n";
  for (const std::size_t head : {std::size_t{333}, std::size_t{2000}}) {
    const StreamView whole = view_ends(report_of(exact, head, 2000), false, 1000, marker);
    CHECK(whole.text == exact);
    CHECK_FALSE(whole.gap);
    CHECK(whole.omitted_bytes == 0);
    CHECK(whole.next == 1000);
  }
  const StreamView cut = view_ends(report_of("x" + exact, 2000, 2000), false, 1000, marker);
  check_account("x" + exact, cut, 1000);
}

TEST_CASE("the middle is cut at line ends, head to tail as one to two", "[tools]") {
  const std::string output = numbered_lines(10'000);
  const StreamView view = view_ends(report_of(output, 4000, 8000), false, 3000, marker);
  check_account(output, view, 3000);
  const std::size_t at = view.text.find("\n[");
  REQUIRE(at != std::string::npos);
  CHECK(view.text.substr(0, at + 1) == output.substr(0, view.gap_offset));
  CHECK(output[view.gap_offset - 1] == '\n');
  CHECK(output[view.gap_offset + view.omitted_bytes - 1] == '\n');
  CHECK(at > 3000 / 3 - 50);
  CHECK(at < 3000 / 3 + 1);
  CHECK(view.text.size() > 2900);
  CHECK_THAT(view.text, rexec::test::EndsWith("line 10000\n"));
}

TEST_CASE("one long line is cut between characters", "[tools]") {
  std::string output;
  for (int i = 0; i < 5000; ++i) output += "ä☃𝄞";
  // Every possible alignment of the runner's cuts.
  for (std::size_t shift = 0; shift < 9; ++shift) {
    const StreamView view = view_ends(report_of(output, 4000 + shift, 8000 + shift), false, 3000, marker);
    check_account(output, view, 3000);
    CHECK(view.text.find("\xEF\xBF\xBD") == std::string::npos);
    CHECK(rexec::utf8_length(view.text) >= 2990);
  }
}

TEST_CASE("a cut never shows a part of an escape sequence", "[tools]") {
  std::string output;
  for (int i = 0; i < 3000; ++i) output += "\x1b[1;31mx\x1b[0m";
  for (std::size_t shift = 0; shift < 13; ++shift) {
    const StreamView view = view_ends(report_of(output, 1000 + shift, 2000 + shift), false, 200, marker);
    CHECK(rexec::utf8_length(view.text) <= 200);
    REQUIRE(view.gap);
    const std::size_t mark = view.text.find('\n');
    CHECK(view.text.substr(0, mark).find_first_not_of('x') == std::string::npos);
    CHECK(view.text.substr(view.text.rfind('\n') + 1).find_first_not_of('x') == std::string::npos);
  }
}

TEST_CASE("bytes that are no longer kept are part of the account", "[tools]") {
  const std::string output = numbered_lines(1000);
  StreamReport report = report_of(output, 100, 200);
  report.lost = 5000;
  const StreamView view = view_ends(report, false, 10'000, marker);
  CHECK(view.lost_bytes == 5000);
  CHECK(view.omitted_bytes == output.size() - 300 + (view.gap_offset > 100 ? 0 : 100 - view.gap_offset) +
                                  (300 - 100 - (output.size() - view.gap_offset - view.omitted_bytes)));
  CHECK_THAT(view.text, rexec::test::ContainsSubstring("|5000|"));

  StreamReport gone;
  gone.produced = gone.lost = 700;
  gone.newlines = 7;
  gone.end = true;
  const StreamView nothing = view_ends(gone, false, 1000, marker);
  CHECK(nothing.text == "[700|7|700|0]");
  CHECK(nothing.next == 700);
}

TEST_CASE("what is missing in front of the kept bytes is said in front", "[tools]") {
  StreamReport report = report_of("kept\n", 100, 100);
  report.head_offset = 60;
  report.produced = 65;
  report.tail_offset = 65;
  report.lost = 60;
  report.newlines = 4;
  const StreamView view = view_ends(report, false, 1000, marker);
  CHECK(view.text == "[60|3|60|0]\nkept\n");
  CHECK(view.next == 65);
}

TEST_CASE("a report that makes no sense is shown without harm", "[tools]") {
  StreamReport report = report_of("abc\n", 100, 100);
  report.from = 1000;
  report.lost = 1 << 20;
  report.tail_offset = 3;
  report.tail = "xyz";
  report.newlines = 0;
  for (const std::size_t room : {std::size_t{0}, std::size_t{10}, std::size_t{1000}}) {
    view_ends(report, false, room, marker);
    view_page(report, false, room);
    view_base64(report, room);
  }
  SUCCEED();
}

TEST_CASE("pages that are read one after the other give the whole output", "[tools]") {
  std::string output = numbered_lines(300);
  for (int i = 0; i < 700; ++i) output += "ä☃\x1b[1;31m𝄞";
  std::string text;
  std::uint64_t from = 0;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    REQUIRE(pages < 200);
    // A head that ends anywhere, as a runner cuts it.
    const StreamView page = view_page(report_of(output, 397, 0, from), false, 100);
    CHECK(rexec::utf8_length(page.text) <= 100);
    CHECK(page.next > from);
    CHECK(page.omitted_bytes == (page.more ? output.size() - page.next : 0));
    CHECK(page.omitted_lines == (page.more ? lines_in(output.substr(page.next)) : 0));
    text += page.text;
    from = page.next;
    more = page.more;
  }
  CHECK(from == output.size());
  std::string expected = numbered_lines(300);
  for (int i = 0; i < 700; ++i) expected += "ä☃𝄞";
  CHECK(text == expected);
}

TEST_CASE("a page holds back a character that is still being written", "[tools]") {
  StreamReport report = report_of("abc\xe2\x98", 100, 0);
  report.end = false;
  const StreamView page = view_page(report, false, 100);
  CHECK(page.text == "abc");
  CHECK(page.next == 3);
  CHECK_FALSE(page.more);
}

TEST_CASE("a page goes over what is no longer kept and says how much it was", "[tools]") {
  StreamReport report;
  report.from = 100;
  report.head_offset = 500;
  report.head = "kept";
  report.produced = 504;
  report.lost = 400;
  report.end = true;
  const StreamView page = view_page(report, false, 100);
  CHECK(page.text == "kept");
  CHECK(page.lost_bytes == 400);
  CHECK(page.next == 504);
  CHECK_FALSE(page.more);

  report.head.clear();
  report.head_offset = 100;
  report.lost = 404;
  const StreamView nothing = view_page(report, false, 100);
  CHECK(nothing.next == 504);
  CHECK(nothing.lost_bytes == 404);
  CHECK_FALSE(nothing.more);
}

TEST_CASE("base64 pages are exact", "[tools]") {
  std::string output;
  for (int i = 0; i < 1000; ++i) output += static_cast<char>(i * 7);
  std::string bytes;
  std::uint64_t from = 0;
  for (bool more = true; more;) {
    const StreamView page = view_base64(report_of(output, 500, 0, from), 100);
    CHECK(page.text.size() <= 100);
    bytes += rexec::base64_decode(page.text).value();
    from = page.next;
    more = page.more;
  }
  CHECK(bytes == output);
}

TEST_CASE("text of any kind is cut in the same way", "[tools]") {
  const std::string text = numbered_lines(100);
  const StreamView view = view_ends(as_report(text), true, 300, marker);
  check_account(text, view, 300);
}
