#include "mcp/pending_answer.h"

#include <exception>
#include <utility>

#include "base/log.h"

namespace rexec::mcp {
namespace {

RpcError busy(const std::string& why) {
  return RpcError{kUnavailable, "the server is busy: " + why + "; try again when other requests are done",
                  nullptr};
}

RpcError refusal_error(RequestRegistry::Refusal refusal, std::size_t limit) {
  switch (refusal) {
    case RequestRegistry::Refusal::duplicate_id:
      return RpcError{kInvalidRequest, "a request with this id is under way", nullptr};
    case RequestRegistry::Refusal::limit:
      return busy("as many requests are under way as it allows (" + std::to_string(limit) + ")");
    case RequestRegistry::Refusal::shutting_down:
      break;
  }
  return RpcError{kUnavailable, "the server is ending", nullptr};
}

}  // namespace

void PendingAnswer::start(std::shared_ptr<ServerCore> core, Request request, Work work) {
  std::make_shared<PendingAnswer>(std::move(core), std::move(request))->admit(std::move(work));
}

PendingAnswer::PendingAnswer(std::shared_ptr<ServerCore> core, Request request)
    : core_(std::move(core)),
      stream_(request.out),
      closed_(request.cancel_on_close ? request.out->closed() : std::stop_token()),
      request_(std::move(request)),
      inquiry_(request_.principal, Op{stop_.get_token()}, core_->pool) {
  request_.unsolicited.reset();
  request_.out.reset();  // a batch ends when its Outbound is let go of, which is the stream's to decide
}

PendingAnswer::~PendingAnswer() {
  if (answered_) return;
  log(LogLevel::error, "mcp", request_.method + ": the request was dropped without an answer");
  finish(RpcError{kInternalError, "internal error; the server's log has the details", nullptr});
}

void PendingAnswer::admit(Work work) {
  const std::weak_ptr<PendingAnswer> weak = weak_from_this();
  auto admitted = core_->requests->admit({RequestKind::call, request_.session, dump_json(request_.id),
                                          request_.principal, [weak](EndReason reason) {
                                            if (const auto self = weak.lock()) self->end(reason);
                                          }});
  if (const auto* refusal = std::get_if<RequestRegistry::Refusal>(&admitted))
    return finish(refusal_error(*refusal, core_->options.max_in_flight));
  ticket_ = std::get<RequestRegistry::Ticket>(std::move(admitted));
  const auto cookie = ticket_.cookie();
  if (!core_->pool.try_post([self = shared_from_this(), work = std::move(work)] { self->run(work); }))
    return finish(busy("its queue of work is full"));
  on_close_.emplace(
      closed_, [registry = core_->requests, cookie] { registry->end(cookie, EndReason::connection_lost); });
}

void PendingAnswer::run(const Work& work) {
  try {
    work(shared_from_this());
  } catch (const std::exception& exception) {
    log(LogLevel::error, "mcp", request_.method + " threw: " + exception.what());
    finish(RpcError{kInternalError, "internal error; the server's log has the details", nullptr});
  }
}

void PendingAnswer::end(EndReason reason) {
  if (reason == EndReason::shutdown)
    stream_.finish(make_error(request_.id, {kUnavailable, "the server is ending", nullptr}, false), {});
  stream_.abandon();
  stop_.request_stop();
}

void PendingAnswer::finish(RpcResult<Json> result) {
  if (answered_.exchange(true)) return;
  const auto* error = std::get_if<RpcError>(&result);
  stream_.finish(
      error ? make_error(request_.id, *error, false)
            : make_answer(core_->options, request_.context, request_.id, std::get<Json>(std::move(result))),
      std::move(ticket_));
}

void PendingAnswer::fail(const Error& error, const std::string& uri) {
  const Json data = uri.empty() ? Json() : Json{{"uri", uri}};
  switch (error.code) {
    case ErrorCode::not_found:
      if (uri.empty()) return finish(RpcError{kInvalidParams, error.message, nullptr});
      return finish(RpcError{request_.context.modern() ? kInvalidParams : kResourceNotFound,
                             "resource not found: " + error.message, data});
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return finish(RpcError{kInvalidParams, error.message, data});
    case ErrorCode::internal:
      log(LogLevel::error, "mcp", request_.method + ": " + error.message);
      return finish(RpcError{kInternalError, "internal error; the server's log has the details", data});
    default:
      return finish(RpcError{kUnavailable, error.message, data});
  }
}

}  // namespace rexec::mcp
