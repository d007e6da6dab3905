#include "sandbox-client/runner_link.h"

#include <algorithm>
#include <utility>

namespace rexec::sandbox {
namespace {

using runner::kHeaderSize;
using runner::MessageType;

constexpr std::uint32_t kHelloId = 1;

Error protocol_error(std::string_view what) {
  return Error{ErrorCode::data_loss, "protocol error: the sandbox sent " + std::string(what)};
}

}  // namespace

Result<std::shared_ptr<RunnerLink>> RunnerLink::open(std::unique_ptr<Channel> channel,
                                                     std::shared_ptr<Owner> owner, const std::string& secret,
                                                     const Op& op) {
  const std::shared_ptr<RunnerLink> link(new RunnerLink(std::move(channel), std::move(owner)));
  link->channel_->attach(*link);
  runner::Hello hello;
  hello.client = "rexec-mcp";
  hello.secret = secret;
  std::optional<Result<runner::HelloReply>> greeting;
  if (Status sent = link->send(encode_frame(MessageType::hello, kHelloId, runner::encode(hello))); !sent) {
    greeting = std::move(sent).error();
  } else {
    MutexLock lock(link->mutex_);
    const auto answered = [&]() REXEC_REQUIRES(link->mutex_) { return link->greeting_.has_value(); };
    if (op.deadline.is_infinite()) {
      link->changed_.wait(lock, op.stop, answered);
    } else {
      link->changed_.wait_until(lock, op.stop, op.deadline.time(), answered);
    }
    greeting = link->greeting_;
  }
  if (!greeting) {
    greeting = op.stop.stop_requested()
                   ? Error{ErrorCode::cancelled, "the call was cancelled"}
                   : Error{ErrorCode::deadline_exceeded, "the sandbox did not answer the greeting in time"};
  }
  if (!*greeting) {
    link->close();
    return std::move(*greeting).error();
  }
  return link;
}

void RunnerLink::close() {
  if (closed_.exchange(true)) return;
  channel_->close();
  owner_.reset();
}

void RunnerLink::on_data(std::string_view bytes) {
  while (!bytes.empty() && !lost_) {
    runner::FrameHeader header;
    if (partial_.empty() && bytes.size() >= kHeaderSize) {
      if (!runner::decode_header(bytes.substr(0, kHeaderSize), header))
        return end(protocol_error("a bad frame header"));
      if (bytes.size() - kHeaderSize >= header.length) {
        const Status handled = on_frame(header, bytes.substr(kHeaderSize, header.length));
        if (!handled) return end(handled.error());
        bytes.remove_prefix(kHeaderSize + header.length);
        continue;
      }
    }
    if (partial_.size() < kHeaderSize) {
      const std::size_t taken = std::min(kHeaderSize - partial_.size(), bytes.size());
      partial_.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      if (partial_.size() < kHeaderSize) return;
    }
    if (!runner::decode_header(std::string_view(partial_).substr(0, kHeaderSize), header))
      return end(protocol_error("a bad frame header"));
    const std::size_t whole = kHeaderSize + header.length;
    partial_.reserve(whole);
    const std::size_t taken = std::min(whole - partial_.size(), bytes.size());
    partial_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (partial_.size() < whole) return;
    const Status handled = on_frame(header, std::string_view(partial_).substr(kHeaderSize));
    if (!handled) return end(handled.error());
    partial_.clear();
  }
}

Status RunnerLink::on_frame(const runner::FrameHeader& header, std::string_view payload) {
  if (greeted_) return owner_->on_frame(header, payload);
  if (header.id == kHelloId && header.type == MessageType::error) {
    runner::Failure failure;
    if (!runner::decode(payload, failure)) return protocol_error("an unreadable answer to the greeting");
    return errno_error("the sandbox refused the greeting", failure.number);
  }
  runner::HelloReply reply;
  if (header.id != kHelloId || header.type != MessageType::hello_reply || !runner::decode(payload, reply))
    return protocol_error("something else than an answer to the greeting");
  if (reply.version != runner::kVersion)
    return Error{ErrorCode::unsupported, "the sandbox speaks protocol version " +
                                             std::to_string(reply.version) + "; this program speaks " +
                                             std::to_string(runner::kVersion)};
  greeted_ = true;
  hello_ = reply;
  finish_greeting(std::move(reply));
  return {};
}

void RunnerLink::finish_greeting(Result<runner::HelloReply> result) {
  const MutexLock lock(mutex_);
  if (greeting_) return;
  greeting_ = std::move(result);
  changed_.notify_all();
}

void RunnerLink::end(const Error& why) {
  if (lost_.exchange(true)) return;
  partial_ = {};
  if (!greeted_) return finish_greeting(why);
  owner_->on_link_lost(*this, why);
}

void RunnerLink::on_closed(const Error& why) {
  end(why);
}

}  // namespace rexec::sandbox
