// Resources, prompts and completion with no sandbox behind them, for tests of the protocol.
//
//   fake:note       a text                     fake:picture     four bytes
//   fake:slow       answers when cancelled     fake:broken      an internal error
//   fake:dropped    never answers              anything else    is not found
//
// fake:note and fake:other can be watched. The prompt `greet` has the arguments name (required) and mood;
// completion knows 151 names, and as moods the other arguments and the principal.
#pragma once

#include <memory>
#include <string>

#include "mcp/server.h"

namespace rexec::test {

/// Outlives the server that has its features. Thread-safe.
class FakeFeatures {
 public:
  FakeFeatures();
  ~FakeFeatures();
  mcp::Features features();

  /// How many watch `uri`.
  int watching(const std::string& uri) const;
  /// Tells those who watch `uri` that it has changed.
  void change(const std::string& uri);

 private:
  class Provider;
  std::shared_ptr<Provider> provider_;
};

}  // namespace rexec::test
