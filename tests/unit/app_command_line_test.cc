#include "app/command_line.h"

#include "tests/support/catch.h"

using namespace rexec::app;
using rexec::test::ContainsSubstring;

namespace {

rexec::Result<CommandLine> parse(const std::vector<std::string>& words) {
  return parse_command_line(words);
}

std::string usage_error(const std::vector<std::string>& words) {
  const auto line = parse(words);
  return line ? "" : line.error().message;
}

}  // namespace

TEST_CASE("flags of settings stand before, after and within a command", "[app]") {
  const auto line =
      parse({"--log-level", "debug", "call", "exec", "--network=host", "command=ls -l", "--config", "/c"});
  REQUIRE(line.ok());
  CHECK(line->command == "call");
  CHECK(line->arguments == std::vector<std::string>{"exec", "command=ls -l"});
  CHECK(line->settings.at("log.level") == "debug");
  CHECK(line->settings.at("network") == "host");
  CHECK(line->config_file == "/c");
}

TEST_CASE("the flag of a list may be repeated, that of a single value is the last one", "[app]") {
  const auto line =
      parse({"--mount", "/a:/b", "stdio", "--mount=/c:/d:ro", "--network", "host", "--network=none"});
  REQUIRE(line.ok());
  CHECK(line->command == "stdio");
  CHECK(line->settings.at("mount") == "/a:/b\n/c:/d:ro");
  CHECK(line->settings.at("network") == "none");
}

TEST_CASE("a command takes its own options and no others", "[app]") {
  const auto line = parse({"call", "exec", "--json", "{}", "--output=json", "--exit-code"});
  REQUIRE(line.ok());
  CHECK(line->option("--json") == "{}");
  CHECK(line->option("--output") == "json");
  CHECK(line->has("--exit-code"));
  CHECK_THAT(usage_error({"tools", "--exit-code"}), ContainsSubstring("there is no flag \"--exit-code\""));
}

TEST_CASE("a word that looks like a setting's value is not the command", "[app]") {
  CHECK(parse({"--backend", "call", "stdio"})->command == "stdio");
  CHECK(parse({"--backend=call", "tools"})->command == "tools");
}

TEST_CASE("after -- everything is an argument", "[app]") {
  CHECK(parse({"call", "exec", "--", "--json"})->arguments == std::vector<std::string>{"exec", "--json"});
}

TEST_CASE("help and version are also flags, and win", "[app]") {
  CHECK(parse({"--help"})->command == "help");
  CHECK(parse({"call", "-h"})->command == "help");
  CHECK(parse({"call", "-h"})->arguments == std::vector<std::string>{"call"});
  CHECK(parse({"call", "--exit-code", "--help"})->arguments == std::vector<std::string>{"call"});
  CHECK(parse({"--version"})->command == "version");
  CHECK(parse({"-V"})->command == "version");
}

TEST_CASE("no words are no command", "[app]") {
  const auto line = parse({});
  REQUIRE(line.ok());
  CHECK(line->command.empty());
  CHECK(parse({"--log-level=off"})->command.empty());
}

TEST_CASE("what is misspelt is named, with what is like it", "[app]") {
  CHECK_THAT(usage_error({"tool"}), ContainsSubstring("no command \"tool\"; did you mean \"tools\""));
  CHECK_THAT(usage_error({"tools", "--log-lvel", "debug"}),
             ContainsSubstring("did you mean \"--log-level\""));
  CHECK_THAT(usage_error({"call", "exec", "--exitcode"}), ContainsSubstring("did you mean \"--exit-code\""));
  CHECK(usage_error({"zzzzzz"}) == "there is no command \"zzzzzz\"");
}

TEST_CASE("wrong numbers of values and arguments are refused", "[app]") {
  CHECK_THAT(usage_error({"tools", "--log-level"}), ContainsSubstring("--log-level needs a value"));
  CHECK_THAT(usage_error({"call", "exec", "--exit-code=1"}), ContainsSubstring("takes no value"));
  CHECK_THAT(usage_error({"call"}),
             ContainsSubstring("call needs more arguments; usage: rexec-mcp call TOOL"));
  CHECK_THAT(usage_error({"tools", "exec", "more"}), ContainsSubstring("does not take \"more\""));
  CHECK_THAT(usage_error({"tools", "--output", "xml"}),
             ContainsSubstring("--output is text|json, not \"xml\""));
}
