// Text conversations with the server: a file of lines that are played one after the other.
//
//   # text                     a comment
//   % option value             an option of the server, before the first message (see session_player.cc)
//   > {…}                      sends the line as it is; "$name" stands for a captured value
//   > (end of input)           closes the client's writing end
//   < {…}                      the next message is this one
//   <~ {…}                     the next messages are those of a block of such lines, in any order
//   < (nothing)                nothing has been sent: a quick request is answered before anything else
//   < (end of output)          the server closes the connection
//   ! tool: event n            waits until `event` has happened n times to the fake tool
//   ! release                  lets waiting calls of the fake tools answer
//   ! change URI               the fake resource changes
//   ! watch: URI n             waits until n watch the fake resource
//
// In expectations "*" stands for any value, a string that ends in * for any that begins so, and "$name" for a
// value that is captured when it is first seen and must be the same later.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace rexec::test {

struct SessionLine {
  enum class Kind {
    text,
    option,
    send,
    end_of_input,
    expect,
    expect_unordered,
    nothing,
    end_of_output,
    event,
    release,
    change
  };
  Kind kind = Kind::text;
  std::size_t number = 0;  // in the file, from 1
  std::string text;        // without the mark; of kind text the whole line
};

struct SessionFile {
  std::string path;
  std::vector<SessionLine> lines;
};

/// Throws std::runtime_error when the file cannot be read or a line has no known mark.
SessionFile read_session(const std::string& path);
void write_session(const SessionFile& file);

using Captures = std::map<std::string, Json>;

/// Whether `actual` is as expected; captures on success only.
bool matches(const Json& expected, const Json& actual, Captures& captures);
/// `actual`, with the wild cards and captures of `expected` kept where they still hold.
Json updated_expectation(const Json& expected, const Json& actual, Captures& captures);
/// `text` with "$name" replaced by the captured values.
std::string substitute(std::string text, const Captures& captures);

}  // namespace rexec::test
