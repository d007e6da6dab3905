#include "transport/line_splitter.h"

#include <vector>

#include "tests/support/catch.h"

namespace rexec::transport {
namespace {

using namespace std::string_literals;

struct Lines {
  explicit Lines(std::size_t max_line)
      : splitter(max_line,
                 {[this](std::string line) { lines.push_back(std::move(line)); }, [this] { ++oversized; }}) {}

  std::vector<std::string> lines;
  int oversized = 0;
  LineSplitter splitter;
};

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("Lines are the same however the bytes are cut", "[transport]") {
  const std::string text = "one\n\r\ntwo\r\n\nthr\0ee\n"s + "four";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    Lines l(10);
    for (std::size_t i = 0; i < text.size(); i += step)
      l.splitter.feed(std::string_view(text).substr(i, step));
    REQUIRE(l.lines == List{"one", "two", "thr\0ee"s});
    l.splitter.end();
    REQUIRE(l.lines.back() == "four");
    REQUIRE(l.oversized == 0);
  }
}

TEST_CASE("A line of the allowed length passes and a longer one is reported once", "[transport]") {
  for (const std::size_t step : {1u, 3u, 100u}) {
    const std::string text = "12345\n123456\nok\n12345\r\n1234567890123\r\nok";
    Lines l(5);
    for (std::size_t i = 0; i < text.size(); i += step)
      l.splitter.feed(std::string_view(text).substr(i, step));
    l.splitter.end();
    REQUIRE(l.lines == List{"12345", "ok", "12345", "ok"});
    REQUIRE(l.oversized == 2);
  }
}

TEST_CASE("An oversized line is reported before it ends", "[transport]") {
  Lines l(5);
  l.splitter.feed("1234567");
  REQUIRE(l.oversized == 1);
  l.splitter.feed(std::string(1000, 'x'));
  REQUIRE(l.oversized == 1);
  l.splitter.end();
  REQUIRE(l.lines.empty());
}

}  // namespace rexec::transport
