#include "app/config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/settings.h"
#include "tests/support/catch.h"

using namespace rexec;
using namespace rexec::app;
using rexec::test::ContainsSubstring;

namespace {

/// A folder of its own for a configuration file.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "rexec-config-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& text) const {
    std::filesystem::create_directories(path_ + "/rexec-mcp");
    const std::string file = path_ + "/rexec-mcp/config.json";
    std::ofstream(file) << text;
    return file;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string loading_error(const ConfigSources& sources) {
  const auto loaded = load_config(sources);
  return loaded ? "" : loaded.error().message;
}

}  // namespace

TEST_CASE("without file, variables and flags the defaults are in force", "[app]") {
  const auto loaded = load_config({});
  REQUIRE(loaded.ok());
  CHECK(loaded->origins.empty());
  CHECK(loaded->file.empty());
  CHECK(loaded->config.backend == "local");
  CHECK(loaded->config.network == sandbox::Network::none);
}

TEST_CASE("flags win over variables, variables over the file, the file over defaults", "[app]") {
  const Folder folder;
  const std::string file =
      folder.write(R"({"log": {"level": "error", "format": "json"}, "server": {"workers": 3, "queue": 7}})");
  const auto loaded = load_config({{{"XDG_CONFIG_HOME", folder.path()},
                                    {"REXEC_MCP_LOG_LEVEL", "info"},
                                    {"REXEC_MCP_SERVER_WORKERS", "4"}},
                                   {{"log.level", "debug"}},
                                   {}});
  REQUIRE(loaded.ok());
  CHECK(loaded->file == file);
  CHECK(loaded->config.log_level == LogLevel::debug);
  CHECK(loaded->config.log_format == LogFormat::json);
  CHECK(loaded->config.workers.threads == 4);
  CHECK(loaded->config.workers.queue == 7);
  CHECK(loaded->origins.at("log.level") == "--log-level");
  CHECK(loaded->origins.at("server.workers") == "REXEC_MCP_SERVER_WORKERS");
  CHECK(loaded->origins.at("server.queue") == file + ":1: /server/queue");
  CHECK_FALSE(loaded->origins.contains("limits.max_chars"));
}

TEST_CASE("a file is named by flag or variable, and must then exist", "[app]") {
  const Folder folder;
  const std::string file = folder.write(R"({"network": "host"})");
  CHECK(load_config({{}, {}, file})->config.network == sandbox::Network::host);
  CHECK(load_config({{{"REXEC_MCP_CONFIG", file}}, {}, {}})->config.network == sandbox::Network::host);
  CHECK_THAT(loading_error({{}, {}, "/nonexistent/config.json"}),
             ContainsSubstring("/nonexistent/config.json"));
  CHECK(load_config({{{"XDG_CONFIG_HOME", "/nonexistent"}}, {}, {}}).ok());
}

TEST_CASE("the default file follows the XDG base directory rules", "[app]") {
  CHECK(default_config_file({{"XDG_CONFIG_HOME", "/x"}, {"HOME", "/h"}}) == "/x/rexec-mcp/config.json");
  CHECK(default_config_file({{"XDG_CONFIG_HOME", "relative"}, {"HOME", "/h"}}) ==
        "/h/.config/rexec-mcp/config.json");
  CHECK(default_config_file({}).empty());
}

TEST_CASE("an error of a file names its line and JSON pointer, and every error is listed", "[app]") {
  const Folder folder;
  const std::string file =
      folder.write("{\n  \"log\": {\n    \"level\": \"loud\"\n  },\n  \"server\": {\"worker\": 1}\n}\n");
  const std::string error = loading_error({{}, {}, file});
  CHECK_THAT(error, ContainsSubstring(file + ":3: /log/level: "));
  CHECK_THAT(error, ContainsSubstring(file + ":5: /server"));
  CHECK_THAT(error, ContainsSubstring("workers"));
}

TEST_CASE("a file that is no JSON is refused with line and column", "[app]") {
  const Folder folder;
  const std::string file = folder.write("{\n  \"log\": nonsense\n}\n");
  const std::string error = loading_error({{}, {}, file});
  CHECK_THAT(error, ContainsSubstring(file));
  CHECK_THAT(error, ContainsSubstring("line 2"));
}

TEST_CASE("a file is strict where variables and flags are lenient", "[app]") {
  const Folder folder;
  CHECK_THAT(loading_error({{}, {}, folder.write(R"({"server": {"workers": "3"}})")}),
             ContainsSubstring("/server/workers"));
  CHECK(load_config({{{"REXEC_MCP_SERVER_WORKERS", "3"}}, {}, {}}).ok());
}

TEST_CASE("an error of a variable or a flag names it", "[app]") {
  CHECK_THAT(loading_error({{{"REXEC_MCP_SERVER_WORKERS", "many"}}, {}, {}}),
             ContainsSubstring("REXEC_MCP_SERVER_WORKERS: "));
  CHECK_THAT(loading_error({{}, {{"server.workers", "0"}}, {}}), ContainsSubstring("--server-workers: "));
}

TEST_CASE("a variable that means nothing is a warning with what is like it", "[app]") {
  const auto loaded = load_config({{{"REXEC_MCP_LOGLEVEL", "debug"}}, {}, {}});
  REQUIRE(loaded.ok());
  REQUIRE(loaded->warnings.size() == 1);
  CHECK_THAT(loaded->warnings[0], ContainsSubstring("did you mean REXEC_MCP_LOG_LEVEL?"));
}

TEST_CASE("the state directory has a second variable, which yields to the first", "[app]") {
  CHECK(load_config({{{"REXEC_STATE_DIR", "/a"}}, {}, {}})->config.local.state_directory == "/a");
  const auto both = load_config({{{"REXEC_STATE_DIR", "/a"}, {"REXEC_MCP_STATE_DIRECTORY", "/b"}}, {}, {}});
  CHECK(both->config.local.state_directory == "/b");
  CHECK(both->origins.at("state_directory") == "REXEC_MCP_STATE_DIRECTORY");
}

TEST_CASE("backends that this version lacks are named as such", "[app]") {
  for (const char* backend : {"docker", "rexec"}) {
    const auto loaded = load_config({{}, {{"backend", backend}}, {}});
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.error().code == ErrorCode::unsupported);
    CHECK_THAT(loaded.error().message, ContainsSubstring("not part of this version"));
  }
}

TEST_CASE("a default gives way to a limit that was set below it", "[app]") {
  const auto loaded = load_config({{}, {{"limits.max_wait_s", "10"}}, {}});
  REQUIRE(loaded.ok());
  CHECK(loaded->config.tools.default_wait == std::chrono::seconds(10));
  const auto raised = load_config({{}, {{"limits.default_wait_s", "1000"}}, {}});
  REQUIRE(raised.ok());
  CHECK(raised->config.tools.max_wait == std::chrono::seconds(1000));
}

TEST_CASE("two values that contradict each other are an error that names both", "[app]") {
  const std::string error =
      loading_error({{}, {{"limits.max_wait_s", "10"}, {"limits.default_wait_s", "20"}}, {}});
  CHECK_THAT(error, ContainsSubstring("--limits-default-wait-s: 20 is more than limits.max_wait_s"));
  CHECK_THAT(error, ContainsSubstring("--limits-max-wait-s"));
}

TEST_CASE("a file beyond the size limit is refused", "[app]") {
  const Folder folder;
  CHECK_FALSE(load_config({{}, {}, folder.write("{" + std::string(2 << 20, ' ') + "}")}).ok());
}

TEST_CASE("a list comes from a repeated flag, the lines of a variable, or an array", "[app]") {
  const Folder folder;
  const std::string file = folder.write(R"({"mount": ["/a:/b", "/c:/d:ro"], "allow_write": [".vscode"]})");
  const std::vector<sandbox::HostMount> expected = {{"/a", "/b", false}, {"/c", "/d", true}};
  auto loaded = load_config({{}, {}, file});
  REQUIRE(loaded.ok());
  CHECK(loaded->config.local.mounts.mounts == expected);
  CHECK(loaded->config.local.mounts.allow_write == std::vector<std::string>{".vscode"});
  loaded = load_config({{{"REXEC_MCP_MOUNT", "/a:/b\n/c:/d:ro\n"}}, {}, {}});
  REQUIRE(loaded.ok());
  CHECK(loaded->config.local.mounts.mounts == expected);
  loaded = load_config({{{"REXEC_MCP_MOUNT", "/x:/y"}}, {{"mount", "/a:/b\n/c:/d:ro"}}, {}});
  REQUIRE(loaded.ok());
  CHECK(loaded->config.local.mounts.mounts == expected);
}

TEST_CASE("a list's entries are checked beyond their type", "[app]") {
  CHECK_THAT(loading_error({{}, {{"mount", "/a"}}, {}}),
             ContainsSubstring("--mount: \"/a\" names no destination"));
  CHECK_THAT(loading_error({{}, {{"mount", "/a:/etc"}}, {}}),
             ContainsSubstring("nothing can be mounted at /etc"));
  CHECK_THAT(loading_error({{}, {{"mount", "/a:/x\n/b:/x/y"}}, {}}), ContainsSubstring("overlap"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxListEntries; ++i) many += "p\n";
  CHECK_THAT(loading_error({{}, {{"allow_write", many}}, {}}), ContainsSubstring("--allow-write"));
}
