// What the server asks of those who know resources, prompts and completions, and how they answer.
//
// Providers know nothing of JSON-RPC, eras or connections. They are called on a worker, give their thread
// back while they wait, and answer exactly once, from any thread. An answer that is dropped becomes an
// internal error of the request; one that comes after the request was given up is discarded.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/deadline.h"
#include "base/result.h"
#include "base/worker_pool.h"

namespace rexec::mcp {

/// Who asks, and until when the answer is wanted. A value: copies ask the same.
class Inquiry {
 public:
  /// `pool` outlives the inquiry and its copies.
  Inquiry(std::string principal, Op op, WorkerPool& pool)
      : principal_(std::move(principal)), op_(std::move(op)), pool_(&pool) {}

  /// Who asks. Opaque to the protocol.
  const std::string& principal() const { return principal_; }
  /// Its stop token fires when the request is given up and at shutdown.
  const Op& op() const { return op_; }
  /// Runs `next` on a worker: for completions on an I/O thread that have more to do than a few microseconds.
  void defer(std::function<void()> next) const { pool_->post(std::move(next)); }

 private:
  std::string principal_;
  Op op_;
  WorkerPool* pool_;
};

/// How a provider answers. An error's code decides the answer: not_found is the protocol's "not found",
/// invalid_argument and unsupported are "invalid params", internal is a bug whose message stays in the log,
/// everything else says its message and that it may work later.
template <class T>
using Reply = std::function<void(Result<T>)>;

}  // namespace rexec::mcp
