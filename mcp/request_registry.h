// Requests under way: admission, cancellation by id, and waiting for the last of them.
//
// An id belongs to its session until its request is answered or cancelled; a cookie tells a reused id from
// its predecessor. Thread-safe; the functions that end requests run outside the lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/deadline.h"
#include "base/thread_annotations.h"
#include "mcp/session.h"

namespace rexec::mcp {

enum class RequestKind {
  call,          // work that ends by itself
  subscription,  // open until somebody ends it; nobody waits for it
};

enum class EndReason { cancelled, connection_lost, shutdown };

class RequestRegistry : public std::enable_shared_from_this<RequestRegistry> {
 public:
  enum class Refusal { duplicate_id, limit, shutting_down };
  using EndFunction = std::function<void(EndReason)>;

  struct Limits {
    std::size_t calls = 0;  // of one principal
    std::size_t subscriptions = 0;
  };

  /// Keeps its request counted. Dropping it ends the count.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(std::shared_ptr<RequestRegistry> registry, std::uint64_t cookie)
        : registry_(std::move(registry)), cookie_(cookie) {}
    Ticket(Ticket&& other) noexcept = default;
    Ticket& operator=(Ticket&& other) noexcept;
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { release(); }

    std::uint64_t cookie() const { return cookie_; }
    void release();

   private:
    std::shared_ptr<RequestRegistry> registry_;
    std::uint64_t cookie_ = 0;
  };

  struct Admission {
    RequestKind kind = RequestKind::call;
    std::shared_ptr<Session> session;
    std::string id;  // serialised, so that 1 and "1" differ
    std::string principal;
    /// Called at most once, when the request is to end; may be called before admit() returns.
    EndFunction end;
  };

  explicit RequestRegistry(Limits limits) : limits_(limits) {}

  std::variant<Ticket, Refusal> admit(Admission admission);
  /// Ends the request of that id. Unknown ids are ignored.
  void cancel(const Session* session, const std::string& id);
  /// Ends the request of that cookie, if it is still under way.
  void end(std::uint64_t cookie, EndReason reason);
  /// Ends everything and admits nothing any more.
  void shutdown();
  bool shutting_down() const;

  /// Calls that are counted: a cancelled one is until its handler has let go of it.
  std::size_t calls() const;
  /// Until there are no calls, and after shutdown() no subscriptions either, so that their last messages have
  /// been handed over. False when `op` was over first.
  bool wait_idle(const Op& op) const;

 private:
  using Key = std::pair<const Session*, std::string>;
  struct Entry {
    Admission admission;
    bool keyed = true;  // its id is taken
  };

  void release(std::uint64_t cookie);
  EndFunction take_end(Entry& entry, std::uint64_t cookie) REXEC_REQUIRES(mutex_);
  std::size_t& count(RequestKind kind, const std::string& principal) REXEC_REQUIRES(mutex_);

  bool idle() const REXEC_REQUIRES(mutex_) { return shutting_down_ ? entries_.empty() : calls_ == 0; }

  const Limits limits_;
  mutable Mutex mutex_;
  mutable CondVar idle_;
  std::map<std::uint64_t, Entry> entries_ REXEC_GUARDED_BY(mutex_);
  std::map<Key, std::uint64_t> ids_ REXEC_GUARDED_BY(mutex_);
  std::map<std::pair<RequestKind, std::string>, std::size_t> counts_ REXEC_GUARDED_BY(mutex_);
  std::size_t calls_ REXEC_GUARDED_BY(mutex_) = 0;
  std::uint64_t next_cookie_ REXEC_GUARDED_BY(mutex_) = 1;
  bool shutting_down_ REXEC_GUARDED_BY(mutex_) = false;
};

}  // namespace rexec::mcp
