#include "tools/support/arguments.h"

#include <limits>

#include "tests/support/catch.h"
#include "tools/support/cursor.h"
#include "tools/support/durations.h"
#include "tools/support/signals.h"

using namespace std::chrono_literals;
using namespace std::string_literals;
using rexec::Duration;
using rexec::Json;
using rexec::tools::Arguments;
using rexec::tools::Cursor;
using rexec::tools::Violations;

TEST_CASE("a cursor is two offsets and nothing else", "[tools]") {
  CHECK(Cursor{{120, 0}}.text() == "120.0");
  const auto parsed = Cursor::parse("9000000000.17");
  REQUIRE(parsed);
  CHECK(parsed->offset[0] == 9'000'000'000);
  CHECK(parsed->offset[1] == 17);
  for (const char* text : {"", "1", "1.", ".1", "1.2.3", "1.2 ", " 1.2", "-1.2", "+1.2", "a.b", "1,2",
                           "0x1.2", "18446744073709551616.0", "18446744073709551615.0", "1e3.0"}) {
    CHECK_FALSE(Cursor::parse(text));
  }
}

TEST_CASE("process handles are p and a number", "[tools]") {
  Violations violations;
  const Json good = {{"process", "p17"}};
  CHECK(rexec::tools::process_number(Arguments(good), "process", violations) == 17);
  CHECK(violations.empty());
  for (const char* text : {"", "p", "17", "p0", "p07", "P1", "p1x", "p-1", "p99999999999999999999"}) {
    const Json bad = {{"process", text}};
    violations.clear();
    rexec::tools::process_number(Arguments(bad), "process", violations);
    CHECK(violations.size() == 1);
  }
}

TEST_CASE("arguments are read by type, within bounds", "[tools]") {
  const Json json = {{"wait_s", 1.5},
                     {"long", 1e300},
                     {"n", 3.0},
                     {"big", std::numeric_limits<std::uint64_t>::max()},
                     {"flag", true},
                     {"env", {{"A", "1"}}},
                     {"max_chars", 9'000'000}};
  const Arguments arguments(json);
  CHECK(arguments.seconds("wait_s") == std::optional<Duration>(1500ms));
  CHECK(arguments.seconds("long").value() > 24h * 365 * 99);
  CHECK_FALSE(arguments.seconds("none"));
  CHECK(arguments.integer("n", 0) == 3);
  CHECK(arguments.integer("big", 0) == std::numeric_limits<std::int64_t>::max());
  CHECK(arguments.flag("flag"));
  CHECK(arguments.flag("none", true));
  CHECK(arguments.string_map("env") == rexec::tools::StringPairs{{"A", "1"}});
  rexec::tools::ToolLimits limits;
  CHECK(arguments.max_chars(limits) == limits.max_chars);
  const Json none = Json::object();
  CHECK(Arguments(none).max_chars(limits) == limits.default_chars);
}

TEST_CASE("paths and environments that cannot be are violations", "[tools]") {
  for (const std::string& path : {""s, "a\0b"s, std::string(5000, 'x')}) {
    Violations violations;
    const Json json = {{"path", path}};
    rexec::tools::check_path(Arguments(json), "path", violations);
    CHECK(violations.size() == 1);
  }
  Violations violations;
  const Json json = {{"env", {{"A=B", "1"}, {"", "1"}, {"C", "x\0y"s}, {"D", "fine"}}}};
  rexec::tools::check_environment(Arguments(json), "env", violations);
  REQUIRE(violations.size() == 3);
  CHECK(violations[0].pointer == "/env/");
  CHECK(violations[1].pointer == "/env/A=B");
}

TEST_CASE("durations and times are short and exact", "[tools]") {
  using rexec::tools::describe;
  CHECK(describe(Duration{}) == "0 ms");
  CHECK(describe(3ms) == "3 ms");
  CHECK(describe(300ms) == "0.3 s");
  CHECK(describe(1234ms) == "1.2 s");
  CHECK(describe(9960ms) == "10 s");
  CHECK(describe(45s) == "45 s");
  CHECK(describe(600s) == "600 s");
  CHECK(describe(86'400s) == "24.0 h");
  CHECK(describe(-5s) == "0 ms");
  CHECK(rexec::tools::iso_time(1'700'000'000'123) == "2023-11-14T22:13:20.123Z");
  CHECK(rexec::tools::iso_time(-1) == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("signals have names", "[tools]") {
  CHECK(rexec::tools::signal_name(9) == "SIGKILL");
  CHECK(rexec::tools::signal_number("TERM") == 15);
  CHECK(rexec::tools::signal_number("SIGTERM") == 0);
  CHECK(rexec::tools::signal_number("") == 0);
  CHECK(rexec::tools::signal_name(99) == "signal 99");
  CHECK_FALSE(rexec::tools::ends_processes(rexec::tools::signal_number("STOP")));
}

TEST_CASE("values are quoted within bounds", "[tools]") {
  CHECK(rexec::tools::in_quotes("abc") == "\"abc\"");
  CHECK(rexec::tools::in_quotes(std::string(100, 'x')) == "\"" + std::string(80, 'x') + "…\"");
  CHECK(rexec::tools::in_quotes("\xff") == "\"\xEF\xBF\xBD\"");
}
