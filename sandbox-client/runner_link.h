// One connection to a runner: the greeting, then whole frames in both directions.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "sandbox-client/channel.h"
#include "sandbox-client/runner/wire.h"

namespace rexec::sandbox {

class RunnerLink final : public ChannelSink {
 public:
  /// Called on the channel's I/O thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// A frame that is not part of the greeting; `payload` is valid during the call only. An Error ends the
    /// link.
    virtual Status on_frame(const runner::FrameHeader& header, std::string_view payload) = 0;
    /// Last call, exactly once after open() has returned a link.
    virtual void on_link_lost(RunnerLink& link, const Error& why) = 0;
  };

  /// Says hello and waits for the answer within op. The link holds `owner` until close(). A link that lost
  /// its channel before open() returned answers lost(), and on_link_lost has been or will be called.
  static Result<std::shared_ptr<RunnerLink>> open(std::unique_ptr<Channel> channel,
                                                  std::shared_ptr<Owner> owner, const std::string& secret,
                                                  const Op& op);

  ~RunnerLink() override = default;

  const runner::HelloReply& hello() const { return hello_; }
  bool lost() const { return lost_; }
  /// Any thread. A failure is also reported by on_link_lost.
  Status send(std::string frames) { return channel_->send(std::move(frames)); }
  /// Not from a call of the owner. Afterwards the owner is not called any more and is let go.
  void close();

  void on_data(std::string_view bytes) override;
  void on_closed(const Error& why) override;

 private:
  enum class Greeting { waiting, done, failed };

  RunnerLink(std::unique_ptr<Channel> channel, std::shared_ptr<Owner> owner)
      : owner_(std::move(owner)), channel_(std::move(channel)) {}

  Status on_frame(const runner::FrameHeader& header, std::string_view payload);
  void finish_greeting(Result<runner::HelloReply> result);
  void end(const Error& why);

  // The I/O thread's own.
  std::string partial_;  // the beginning of a frame
  bool greeted_ = false;

  std::atomic<bool> lost_ = false;
  std::atomic<bool> closed_ = false;
  std::shared_ptr<Owner> owner_;
  runner::HelloReply hello_;

  Mutex mutex_;
  CondVar changed_;
  std::optional<Result<runner::HelloReply>> greeting_ REXEC_GUARDED_BY(mutex_);

  const std::unique_ptr<Channel> channel_;  // last: closed before anything else goes
};

}  // namespace rexec::sandbox
