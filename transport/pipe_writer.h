// The writing end of a line-based connection: a bounded queue and the thread that writes it.
//
// A sender that finds nothing queued and nobody writing writes by itself, as far as that does not block,
// which saves waking a thread for every answer; what is left, and what comes meanwhile, is the thread's. So
// one at a time writes, and messages keep their order.
//
// The descriptor may be a pipe, a socket, a terminal or a file. Its file description may be shared with other
// processes, so its flags are left alone and a write still never blocks: a FIFO is opened again for itself, a
// socket is written with MSG_DONTWAIT, anything else only by the thread, in parts that poll(2) promises room
// for.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/thread_annotations.h"
#include "mcp/endpoint.h"

namespace rexec::transport {

class PipeWriter final : public mcp::Outbound {
 public:
  /// `max_queued` bounds the bytes that wait to be written; SIGPIPE is ignored or blocked by the process.
  static Result<std::shared_ptr<PipeWriter>> make(UniqueFd fd, std::size_t max_queued);
  ~PipeWriter() override;

  /// A client that lets more than max_queued wait is given up: closed() fires.
  Status send(mcp::Message message) override;
  std::stop_token closed() const override { return closed_.get_token(); }

  /// Between hold() and release(), messages sent by the calling thread may wait for each other, so that a
  /// burst of input is answered with few writes. One thread at a time.
  void hold();
  void release();

  /// The client is gone: drops what is queued, fires closed().
  void close();
  /// Writes what is queued, within the deadline, then closes. Idempotent; not thread-safe.
  void finish(Deadline deadline);

  /// For poll(2) with no events: POLLERR says that nobody reads any more. Valid until finish().
  int descriptor() const { return fd_.get(); }

 private:
  enum class Mode { nonblocking, socket, blocking };

  PipeWriter(UniqueFd fd, UniqueFd abort, Mode mode, std::size_t max_queued);
  void run();
  /// Writes what is queued as far as that does not block, when it is not the thread's turn. True when the
  /// thread has to be woken for the rest.
  bool write_now() REXEC_REQUIRES(mutex_);
  bool write(std::string_view bytes);
  /// Bytes written; -1 with errno.
  std::ptrdiff_t write_some(std::string_view bytes);
  bool wait_writable();

  UniqueFd fd_;
  const UniqueFd abort_;  // readable when the thread is to give up
  const Mode mode_;
  const std::size_t max_queued_;
  std::stop_source closed_;

  Mutex mutex_;
  WakeUp wake_;
  CondVar drained_;
  std::string queue_ REXEC_GUARDED_BY(mutex_);
  std::size_t unwritten_ REXEC_GUARDED_BY(mutex_) = 0;  // queue_ and what the thread has taken from it
  std::thread::id holder_ REXEC_GUARDED_BY(mutex_);
  bool waiting_ REXEC_GUARDED_BY(mutex_) = false;  // the thread has nothing in hand
  bool stopping_ REXEC_GUARDED_BY(mutex_) = false;
  bool dead_ REXEC_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rexec::transport
