// How a request to a runner is made of what was asked and of what its answer means.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "sandbox-client/runner/wire.h"
#include "sandbox-client/runner_client.h"
#include "sandbox-client/runner_session.h"

namespace rexec::sandbox {

/// A request whose reply is a Message: `accept` turns that into what was asked for (nullopt: it does not
/// fit), `refuse` turns a Failure into an Error.
template <class Message, class T, class Accept, class Refuse>
Request make_request(runner::MessageType type, std::string payload, runner::MessageType expected, Op op,
                     Accept accept, Refuse refuse, Completion<T> done) {
  Request request;
  request.type = type;
  request.payload = std::move(payload);
  request.expected = expected;
  request.op = std::move(op);
  request.done = [accept = std::move(accept), refuse = std::move(refuse),
                  done = std::move(done)](const Result<Reply>& reply) {
    if (!reply) {
      done(reply.error());
      return true;
    }
    if (reply->type == runner::MessageType::error) {
      runner::Failure failure;
      const bool readable = runner::decode(reply->payload, failure);
      done(readable ? refuse(failure) : Error{ErrorCode::data_loss, "protocol error: unreadable failure"});
      return readable;
    }
    Message message;
    std::optional<T> value;
    if (runner::decode(reply->payload, message)) value = accept(std::move(message));
    if (!value) {
      done(Error{ErrorCode::data_loss,
                 "protocol error: the sandbox sent an answer that does not fit the request"});
      return false;
    }
    done(*std::move(value));
    return true;
  };
  return request;
}

/// A request that is answered by done.
template <class Refuse>
Request make_plain_request(runner::MessageType type, std::string payload, Op op, Refuse refuse,
                           Completion<void> done) {
  Request request;
  request.type = type;
  request.payload = std::move(payload);
  request.expected = runner::MessageType::done;
  request.op = std::move(op);
  request.done = [refuse = std::move(refuse), done = std::move(done)](const Result<Reply>& reply) {
    runner::Failure failure;
    if (!reply) {
      done(reply.error());
    } else if (reply->type == runner::MessageType::done) {
      done(Status());
    } else if (runner::decode(reply->payload, failure)) {
      done(refuse(failure));
    } else {
      done(Error{ErrorCode::data_loss, "protocol error: unreadable failure"});
      return false;
    }
    return true;
  };
  return request;
}

}  // namespace rexec::sandbox
