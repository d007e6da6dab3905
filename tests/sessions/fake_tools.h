// Tools with no sandbox behind them, for tests of the protocol: each shows one way in which a tool can
// behave.
//
//   echo        answers its text
//   wait        answers when it is released or cancelled; holds no worker
//   block       the same, and holds its worker
//   fail        answers a failure
//   throw       throws
//   drop        lets go of its call without an answer
//   progress    reports steps, answers, and goes on reporting
//   structured  answers structured content; with "broken" it forgets it, with "wrong" it breaks its schema
//   image       answers an image of four bytes
//   ask         asks `rounds` times for a name, in `mode`, and answers what it was told
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "mcp/tool.h"

namespace rexec::test {

/// Outlives the server that has its tools. Thread-safe.
class FakeTools {
 public:
  FakeTools();
  ~FakeTools();
  std::vector<mcp::Tool> tools();

  /// How often `event` ("started", "stopped", "released") has happened to calls of `tool`.
  int count(const std::string& tool, const std::string& event) const;
  /// Lets all calls of wait and block that are there answer.
  void release();

 private:
  struct Waiting;

  void record(const std::string& tool, const std::string& event);
  void wait(const std::shared_ptr<mcp::ToolCall>& call);
  void block(const std::shared_ptr<mcp::ToolCall>& call);

  mutable Mutex mutex_;
  CondVar changed_;
  std::map<std::string, int> counts_ REXEC_GUARDED_BY(mutex_);
  int releases_ REXEC_GUARDED_BY(mutex_) = 0;
  std::list<std::shared_ptr<Waiting>> waiting_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::test
