// Tools as the protocol sees them: a schema file, a handler, and the call that connects the two.
//
// A handler gets a ToolCall and must answer it exactly once, now or later, from any thread. Its arguments
// have been normalised and validated against the tool's schema before it runs. Adding a tool takes one source
// and one schema; see CONTRIBUTING.md.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "base/json.h"
#include "base/result.h"

namespace rexec::mcp {

/// A block of a tool's answer.
struct Content {
  enum class Kind { text, image };
  Kind kind = Kind::text;
  std::string text;       // of text
  std::string data;       // of image: raw bytes, encoded when written
  std::string mime_type;  // of image

  static Content from_text(std::string text);
  static Content from_image(std::string bytes, std::string mime_type);
};

/// What a tool answers. `structured`, when present, is complete: it says everything that the text says.
struct ToolResult {
  std::vector<Content> content;
  std::optional<Json> structured;
  bool is_error = false;

  static ToolResult text(std::string text);
  /// Something that could not be done: what happened and what to do next, under 2 000 characters.
  static ToolResult failure(std::string text);
};

/// A tool failure from an error of the layers below.
ToolResult to_tool_failure(const Error& error);

/// A question to the user, in the form of an MCP client request.
struct InputRequest {
  std::string method;  // "elicitation/create" (others are not asked for by our tools)
  Json params;         // form mode: {message, requestedSchema}; url mode: {mode:"url", message, url}
};

/// One argument problem.
struct Violation {
  std::string pointer;  // RFC 6901, "" for the arguments as a whole
  std::string message;  // what is wrong with the value given, and what is expected
};

/// A call of a tool. Shared by the handler and its continuations; answering twice is an assertion failure,
/// dropping the last reference without an answer answers an internal error. Thread-safe.
class ToolCall {
 public:
  virtual ~ToolCall() = default;

  virtual const std::string& tool() const = 0;
  /// Validated; always an object.
  virtual const Json& arguments() const = 0;
  /// Who calls. Opaque to the protocol.
  virtual const std::string& principal() const = 0;
  /// The stop token fires when the client cancels, when its connection ends in the modern HTTP case, and at
  /// shutdown. The answer to a cancelled call is discarded, but must still be given.
  virtual const Op& op() const = 0;

  /// False: the call had been given up before, and nobody sees the answer. What a handler has started for the
  /// caller to go on with is to be ended then.
  virtual bool reply(ToolResult result) = 0;
  /// All violations in one failure, in the format of schema violations. For cross-field rules.
  virtual void reject(const std::vector<Violation>& violations) = 0;

  /// Whether the caller wants progress. progress() sends it when so, and is dropped otherwise; it is
  /// increasing by itself. `message` is cut at 200 characters.
  virtual bool wants_progress() const = 0;
  virtual void progress(std::string_view message) = 0;

  /// Runs `next` on a worker: what a completion on an I/O thread does with anything longer than a few
  /// microseconds. Not run before defer() returns unless the pool has stopped.
  virtual void defer(std::function<void()> next) = 0;

  /// Ends this round of the call with questions; the handler is called again, from its beginning, with the
  /// answers. `state` comes back unchanged in request_state() (it is signed, bound to principal, tool and
  /// arguments, and expires). Where the client cannot be asked, the call fails with what is missing.
  virtual void ask(std::map<std::string, InputRequest> requests, Json state) = 0;
  /// Whether the client declared that it can be asked: "form" or "url" elicitation.
  virtual bool can_ask(std::string_view mode) const = 0;
  /// Answers to ask(), by key; empty in the first round.
  virtual const std::map<std::string, Json>& input_responses() const = 0;
  virtual const Json& request_state() const = 0;
};

using ToolFunction = std::function<void(std::shared_ptr<ToolCall>)>;

/// What answers the calls of a tool. It runs on a worker and may block within the op of its call; one made by
/// prompt_handler() must not.
struct ToolHandler {
  ToolHandler() = default;
  template <class F>
  requires(std::constructible_from<ToolFunction, F> && !std::same_as<std::remove_cvref_t<F>, ToolHandler>)
      ToolHandler(F&& function)
      : run(std::forward<F>(function)) {}  // any callable is a handler

  ToolFunction run;
  bool prompt = false;
};

/// A handler that only starts what others finish: it returns within microseconds, waits for nothing, and
/// defers what is longer. It runs where its call is received, which saves handing it to a worker; calls with
/// large arguments go to a worker all the same.
inline ToolHandler prompt_handler(ToolFunction function) {
  ToolHandler handler(std::move(function));
  handler.prompt = true;
  return handler;
}

struct Tool {
  std::string_view schema;  // text of schemas/tools/<name>.json
  ToolHandler handler;
};

}  // namespace rexec::mcp
