// A request that a provider answers: from admission, over a worker, to its one answer. The same life as that
// of a tool call, without rounds and progress: counted, cancelled by id, stopped at shutdown.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "mcp/inquiry.h"
#include "mcp/request.h"
#include "mcp/request_stream.h"

namespace rexec::mcp {

class PendingAnswer : public std::enable_shared_from_this<PendingAnswer> {
 public:
  using Work = std::function<void(const std::shared_ptr<PendingAnswer>&)>;

  /// Returns at once; `work` runs on a worker. Everything that can go wrong is an answer to the request.
  static void start(std::shared_ptr<ServerCore> core, Request request, Work work);

  PendingAnswer(std::shared_ptr<ServerCore> core, Request request);
  /// Answers an internal error when there was no answer.
  ~PendingAnswer();

  const Inquiry& inquiry() const { return inquiry_; }
  const RequestContext& context() const { return request_.context; }
  const ServerCore& core() const { return *core_; }

  /// Any thread. Only the first one counts; it is discarded when the request was given up.
  void finish(RpcResult<Json> result);
  /// A provider's error; `uri` is that of the resource it is about, if it is about one.
  void fail(const Error& error, const std::string& uri = {});

 private:
  void admit(Work work);
  void end(EndReason reason);
  void run(const Work& work);

  const std::shared_ptr<ServerCore> core_;
  RequestStream stream_;
  const std::stop_token closed_;
  Request request_;
  std::stop_source stop_;
  const Inquiry inquiry_;
  RequestRegistry::Ticket ticket_;  // written before `work` runs
  std::atomic<bool> answered_ = false;
  std::optional<std::stop_callback<std::function<void()>>> on_close_;
};

}  // namespace rexec::mcp
