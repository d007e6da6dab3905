// A minimal MCP client over stdio, as fast as a client can be: it writes lines and reads lines.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/json.h"

namespace rexec::bench {

class StdioClient {
 public:
  /// Starts `command` with its own stdin and stdout; ends the program when that fails.
  explicit StdioClient(const std::vector<std::string>& command);
  /// Closes the input and reaps.
  ~StdioClient();
  StdioClient(const StdioClient&) = delete;
  StdioClient& operator=(const StdioClient&) = delete;

  pid_t pid() const { return pid_; }
  void send(std::string_view line);
  /// The next line; ends the program when the server is gone.
  std::string_view receive();

  /// A request and its answer's `result`, notifications in between skipped.
  Json request(std::string_view method, Json params);
  Json initialize();
  /// Structured content of a tool call, or its text when there is none; ends the program on an error.
  Json call(std::string_view tool, Json arguments);

 private:
  pid_t pid_ = -1;
  UniqueFd input_;
  UniqueFd output_;
  std::string buffer_;
  std::size_t begin_ = 0;
  int next_id_ = 1;
};

[[noreturn]] void die(std::string_view what);

}  // namespace rexec::bench
