#include "app/secret_settings.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stop_token>

#include "app/config.h"
#include "app/secret_command.h"
#include "mcp/schema.h"
#include "tests/support/catch.h"

using namespace rexec;
using namespace rexec::app;
using namespace std::chrono_literals;
using rexec::test::ContainsSubstring;

namespace {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& contents) {
    char name[] = "/tmp/rexec-secret-XXXXXX";
    const int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    ::close(fd);
    path = name;
    std::ofstream(path) << contents;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path.c_str()); }

  std::string path;
};

Result<std::string> read(const Json& source, const Op& op = {}) {
  const auto sources = secret_sources({{"NAME", source}});
  REQUIRE(sources.size() == 1);
  CHECK(sources[0].name == "NAME");
  return sources[0].read(op);
}

bool accepted(const Json& setting) {
  return mcp::compile_schema(secrets_schema()).value()->validate(setting).empty();
}

std::string message_of(const Result<std::string>& result) {
  return result ? "" : result.error().message;
}

}  // namespace

TEST_CASE("a secret has exactly one source", "[app]") {
  CHECK(accepted(Json::object()));
  CHECK(accepted({{"A", {{"file", "/x"}}}, {"B", {{"env", "X"}}}, {"C", {{"command", "pass x"}}}}));
  CHECK(accepted({{"A", {{"command", {"pass", "show", "x"}}}}}));
  CHECK_FALSE(accepted({{"A", Json::object()}}));
  CHECK_FALSE(accepted({{"A", {{"file", "/x"}, {"env", "X"}}}}));
  CHECK_FALSE(accepted({{"A", {{"value", "hunter2hunter2"}}}}));
  CHECK_FALSE(accepted({{"A", {{"command", Json::array()}}}}));
  CHECK_FALSE(accepted({{"A", {{"file", ""}}}}));
  Json many = Json::object();
  for (std::size_t i = 0; i <= kMaxSecrets; ++i) many["S" + std::to_string(i)] = {{"env", "X"}};
  CHECK_FALSE(accepted(many));
}

TEST_CASE("names, paths and variables of secrets are checked", "[app]") {
  CHECK(check_secrets({{"GH_TOKEN2", {{"file", "~/x"}}}}).empty());
  for (const std::string& name :
       {std::string("A-B"), std::string("2A"), std::string(), std::string(65, 'A')}) {
    CHECK_THAT(check_secrets({{name, {{"env", "X"}}}}), ContainsSubstring("letters, digits and _"));
  }
  CHECK_THAT(check_secrets({{"A", {{"file", "x"}}}}), ContainsSubstring("absolute path"));
  CHECK_THAT(check_secrets({{"A", {{"env", "REXEC_TOKEN"}}}}), ContainsSubstring("never enters a sandbox"));
}

TEST_CASE("a value comes from its file, its variable or its command, without one line end", "[app]") {
  const TemporaryFile file("from a file\n\n");
  CHECK(read({{"file", file.path}}).value() == "from a file\n");
  ::setenv("TEST_SECRET", "from a variable", 1);
  CHECK(read({{"env", "TEST_SECRET"}}).value() == "from a variable");
  CHECK(read({{"command", "printf '%s\\r\\n' \"$TEST_SECRET\""}}).value() == "from a variable");
  ::unsetenv("TEST_SECRET");
  CHECK(read({{"command", {"printf", "%s", "a b\nc"}}}).value() == "a b\nc");
}

TEST_CASE("a value that cannot be had is an error without it", "[app]") {
  const std::string value(5000, 'v');
  const TemporaryFile file(value);
  CHECK_THAT(message_of(read({{"file", "/nonexistent/x"}})), ContainsSubstring("/nonexistent/x"));
  CHECK_THAT(message_of(read({{"env", "TEST_UNSET"}})), ContainsSubstring("TEST_UNSET"));
  CHECK_THAT(message_of(read({{"command", "echo hunter2; exit 3"}})), ContainsSubstring("status 3"));
  CHECK_THAT(message_of(read({{"command", "echo hunter2; kill -9 $$"}})), ContainsSubstring("signal 9"));
  CHECK_THAT(message_of(read({{"command", {"/nonexistent/hunter2"}}})), ContainsSubstring("status 127"));
  for (const Json& source :
       {Json{{"file", file.path}}, Json{{"command", {"cat", file.path}}},
        Json{{"command", {"cat", "/dev/zero"}}}, Json{{"command", "echo hunter2; exit 3"}}}) {
    const std::string error = message_of(read(source));
    CHECK_FALSE(error.empty());
    CHECK(error.find("vvv") == error.npos);
    CHECK(error.find("hunter2") == error.npos);
  }
}

TEST_CASE("a command that hangs is ended with its children, one that leaves a child is not waited for",
          "[app]") {
  CHECK_THAT(message_of(read({{"command", "sleep 1000 & sleep 1000"}}, Op{{}, Deadline::after(100ms)})),
             ContainsSubstring("took too long"));
  std::stop_source stop;
  stop.request_stop();
  CHECK_FALSE(read({{"command", "sleep 1000"}}, Op{stop.get_token()}));
  CHECK(read({{"command", "sleep 1000 & echo value"}}).value() == "value");
}

TEST_CASE("a command's messages and the server's input are kept from it", "[app]") {
  CHECK(output_of_command({"/bin/sh", "-c", "echo message >&2; cat; ls -l /proc/self/fd/2"}, 1000, Op{})
            .value()
            .ends_with("/dev/null\n"));
}

TEST_CASE("the configuration shows names and sources of secrets, not their commands", "[app]") {
  const TemporaryFile file(
      R"({"secrets": {"A": {"file": "/a"}, "B": {"env": "X"}, "C": {"command": "echo hunter2"}}})");
  const auto loaded = load_config({{}, {}, file.path});
  REQUIRE(loaded.ok());
  const Setting& setting = *find_setting("secrets");
  CHECK(display_value(setting, setting.get(loaded->config)) ==
        R"({"A":{"file":"/a"},"B":{"env":"X"},"C":{"command":"********"}})");
  CHECK(secret_sources(loaded->config.secrets).size() == 3);

  const TemporaryFile wrong(R"({"secrets": {"A": {"env": "REXEC_TOKEN"}}})");
  const auto refused = load_config({{}, {}, wrong.path});
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, ContainsSubstring("/secrets: A: the variable REXEC_TOKEN"));
}
