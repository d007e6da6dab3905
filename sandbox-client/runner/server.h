// The runner as a whole: accepts clients, greets them, hands their requests to the tables of processes
// and terminals and the services for files and trees, and decides when to end.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sandbox-client/runner/children.h"
#include "sandbox-client/runner/connection.h"
#include "sandbox-client/runner/file_service.h"
#include "sandbox-client/runner/guard.h"
#include "sandbox-client/runner/lease.h"
#include "sandbox-client/runner/limit_watch.h"
#include "sandbox-client/runner/lineage.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/mount_guard.h"
#include "sandbox-client/runner/process_table.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/spawner.h"
#include "sandbox-client/runner/terminal_table.h"
#include "sandbox-client/runner/tree_service.h"

namespace rexec::runner {

struct ServeOptions {
  int channel_fd = -1;  // a connected stream socket; without listen_fd also the lifeline: its end is ours
  // A listening Unix socket. Clients must be of the runner's user, root, or of the overflow user 65534, which
  // is how everybody outside of the runner's user namespace appears: the host, which made the socket.
  int listen_fd = -1;
  // The same beside a channel that is the lifeline, for visitors: however many there are, they keep nothing
  // alive.
  int visit_fd = -1;
  std::uint64_t idle_ms = 0;  // with listen_fd: the lease (lease.h) until a client sets another
  std::int64_t expires_unix_ms = 0;
  std::string secret;  // what clients have to say in hello, when it is not empty
  std::string shell;   // instead of the one that is found
  WatchedLimits limits;
  std::string guarded_mounts;  // what mount_guard.h watches; empty: nothing
  int report_fd = -1;          // where a runner that ends because of them says so, as a line of JSON
};

class Server final : private Connection::Owner, private Replies, private Watcher {
 public:
  /// After SIGTERM commands have this long before they are killed.
  static constexpr std::uint64_t kEndGraceMs = 300;

  explicit Server(ServeOptions options);
  ~Server() override;

  /// Serves until the end; the exit status: kLeaseOverStatus, kMountLostStatus, 0 or 1.
  int run();

 private:
  class Listener;

  void ready(std::uint32_t events) override;  // of the signals
  void received(Connection& connection, const FrameHeader& header, std::string_view payload) override;
  void relaxed(Connection& connection) override;
  void closed(Connection& connection) override;
  void send(RequestId request, std::string frame) override;
  bool congested(std::uint64_t connection) const override;

  void answer(RequestId request, std::string frame);  // which is no use in itself
  std::uint64_t adopt(Fd socket);                     // the connection's serial number
  void accept_client();
  void greet(Connection& connection, RequestId request, std::string_view payload);
  void dispatch(MessageType type, RequestId request, std::string_view payload);
  /// False: it is not about terminals.
  bool dispatch_terminal(MessageType type, RequestId request, std::string_view payload);
  /// Decodes the request and hands it to `use`, or refuses it.
  template <class Message, class Use>
  void with(RequestId request, std::string_view payload, Use use);
  void cancel(std::uint64_t connection, std::string_view payload);
  bool refused_for_disk(RequestId request);
  bool in_use() const;
  void end_expired();
  void end_orderly();
  void end_at_once(const std::string& why);

  const ServeOptions options_;
  Loop loop_;
  Guard guard_;
  Lineage lineage_;
  Spawner spawner_;
  Children children_;
  OutputBudget budget_{kOutputBudget};
  InputDesk desk_;
  ProcessTable processes_;
  TerminalTable terminals_;
  LimitWatch limits_;
  FileService files_;
  TreeService trees_;
  std::array<std::uint8_t, 16> boot_id_{};
  Fd signals_;
  std::unique_ptr<Listener> listener_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_connection_ = 1;
  std::uint64_t lifeline_ = 0;  // the connection whose end is ours; 0: none
  Lease lease_;
  MountGuard mounts_;
  bool ending_ = false;
  int status_ = 0;
};

}  // namespace rexec::runner
