// Requests about trees, each in a child process of the runner.
//
// The runner has one thread, which must not wait for a regular expression on hostile input, a directory of a
// million names or a slow disk. A child may: it is a copy of the runner that holds nothing but a pipe, does
// the work (tree_work.h), writes the frame of the reply and ends. It is killed when its request is cancelled,
// when its connection goes, when it overstays its time, and with the runner. What it does to itself, by a
// fault or by exhausting the memory of the sandbox, is an error reply.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>

#include "sandbox-client/runner/guard.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/wire_tree.h"

namespace rexec::runner {

class TreeService {
 public:
  static constexpr std::size_t kMaxJobs = 4;       // at the same time
  static constexpr std::size_t kMaxWaiting = 64;   // for one of those to end
  static constexpr std::uint64_t kGraceMs = 2000;  // beyond what a request may take, until it is killed

  TreeService(Loop& loop, Replies& replies, Guard& guard);
  ~TreeService();

  void list(RequestId request, ListFiles wanted);
  void search(RequestId request, SearchFiles wanted);

  /// True when `request` was under way here; it is answered.
  bool cancel(RequestId request);
  void drop_connection(std::uint64_t connection);
  /// To be called when children were collected, before another one is started: their numbers mean others
  /// then.
  void forget_collected();

 private:
  class Job;
  struct Order {
    RequestId request;
    std::uint64_t max_ms = 0;
    std::function<std::string()> work;  // makes the frame of the reply; runs in the child
  };

  void submit(Order order);
  void begin_next();
  void finished(Job& job);

  Loop& loop_;
  Replies& replies_;
  Guard& guard_;
  std::deque<Order> waiting_;
  std::list<std::unique_ptr<Job>> jobs_;
};

}  // namespace rexec::runner
