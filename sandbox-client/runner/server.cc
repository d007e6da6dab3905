#include "sandbox-client/runner/server.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace rexec::runner {
namespace {

constexpr uid_t kOverflowUser =
    65534;  // how a user without a number in our namespace appears (user_namespaces(7))

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == 0 ? otherwise : value;
}

std::string current_directory() {
  char path[kMaxPath + 1];
  return ::getcwd(path, sizeof path) == nullptr ? "/" : path;
}

/// Our user, root, and whoever is outside of our user namespace: the host, which made the socket.
bool may_connect(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0 || peer.uid == kOverflowUser;
}

/// In a time that does not depend on where they differ.
bool same_secret(const std::string& said, const std::string& wanted) {
  if (wanted.empty()) return true;
  unsigned difference = said.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    difference |=
        static_cast<unsigned char>(wanted[i]) ^ (i < said.size() ? static_cast<unsigned char>(said[i]) : 0U);
  return difference == 0;
}

}  // namespace

class Server::Listener final : public Watcher {
 public:
  Listener(Server& server, int fd) : server_(server), fd_(fd) {
    server_.loop_.watch(fd_.get(), EPOLLIN, *this);
  }
  ~Listener() override { server_.loop_.unwatch(fd_.get()); }
  void ready(std::uint32_t) override {
    Fd socket(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid() || !may_connect(socket.get())) return;
    if (server_.connections_.size() < kMaxConnections) server_.adopt(std::move(socket));
  }

 private:
  Server& server_;
  Fd fd_;
};

Server::Server(ServeOptions options)
    : options_(std::move(options)),
      guard_(kernel_sender()),
      spawner_(lineage_),
      children_(loop_, guard_, lineage_),
      desk_(*this),
      processes_(loop_, *this, guard_, children_, spawner_, budget_, desk_, environment("HOME", "/")),
      terminals_(loop_, *this, children_, spawner_, budget_, desk_, environment("HOME", "/")),
      limits_(loop_, children_, options_.limits, environment("HOME", "/")),
      files_(loop_, *this),
      trees_(loop_, *this, guard_),
      lease_(
          loop_, [this] { return in_use(); }, [this] { end_expired(); }),
      mounts_(loop_, [this](const std::string& why) { end_at_once(why); }) {}

Server::~Server() = default;

int Server::run() {
  sigset_t handled;
  ::sigemptyset(&handled);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&handled, number);
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_.reset(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid() || !loop_.open() || !loop_.watch(signals_.get(), EPOLLIN, *this)) return 1;
  if (::getpid() != 1) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (::getrandom(boot_id_.data(), boot_id_.size(), 0) < 0) return 1;
  lineage_.open();
  spawner_.open(options_.shell);
  limits_.start();
  if (!options_.guarded_mounts.empty()) mounts_.start(options_.guarded_mounts);

  if (options_.listen_fd >= 0) {
    listener_ = std::make_unique<Listener>(*this, options_.listen_fd);
    lease_.set(options_.idle_ms, options_.expires_unix_ms);
  } else if (options_.visit_fd >= 0) {
    listener_ = std::make_unique<Listener>(*this, options_.visit_fd);
  }
  if (options_.channel_fd >= 0) {
    const std::uint64_t channel = adopt(Fd(options_.channel_fd));
    if (options_.listen_fd < 0) lifeline_ = channel;
  }
  loop_.run();
  connections_.clear();
  // The end of pid 1 is the end of its namespace; otherwise nothing ends by itself.
  if (::getpid() != 1) children_.kill_all();
  return status_;
}

void Server::ready(std::uint32_t) {
  signalfd_siginfo info{};
  bool child = false;
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGCHLD) {
      child = true;
    } else if (::getpid() != 1 || info.ssi_pid == 0) {
      // Inside a pid namespace, pid 1 is not ended by its subjects, as the kernel has it for init; a sender
      // outside of it has no number here.
      end_orderly();
    }
  }
  if (!child) return;
  children_.reap();
  trees_.forget_collected();
  lease_.used();
  if (ending_ && children_.running() == 0) loop_.stop();
}

std::uint64_t Server::adopt(Fd socket) {
  const std::uint64_t serial = next_connection_++;
  Connection::Owner& owner = *this;
  connections_.emplace(serial, std::make_unique<Connection>(loop_, owner, serial, std::move(socket)));
  return serial;
}

void Server::closed(Connection& connection) {
  const std::uint64_t serial = connection.serial();
  processes_.drop_connection(serial);
  terminals_.drop_connection(serial);
  files_.drop_connection(serial);
  trees_.drop_connection(serial);
  connections_.erase(serial);
  if (serial == lifeline_) loop_.stop();
}

bool Server::in_use() const {
  if (children_.running() > 0) return true;
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return !connection.second->outstanding.empty(); });
}

void Server::end_expired() {
  status_ = kLeaseOverStatus;
  end_orderly();
}

void Server::end_orderly() {
  if (ending_) return;
  ending_ = true;
  if (children_.running() == 0) return loop_.stop();
  children_.terminate_all();
  loop_.after_ms(kEndGraceMs, [this] { loop_.stop(); });
}

void Server::end_at_once(const std::string& why) {
  const auto say = [](int fd, const std::string& line) { (void)!::write(fd, line.data(), line.size()); };
  say(STDERR_FILENO, kMountLostPrefix + why + "\n");
  if (options_.report_fd >= 0) {
    std::string escaped;
    for (const char c : why) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    say(options_.report_fd, "{\"ended\": \"" + escaped + "\"}\n");
  }
  // Everything in the namespace dies with its pid 1.
  if (::getpid() == 1) ::_exit(kMountLostStatus);
  ending_ = true;
  status_ = kMountLostStatus;
  loop_.stop();
}

void Server::relaxed(Connection& connection) {
  processes_.resume_connection(connection.serial());
  terminals_.resume_connection(connection.serial());
}

bool Server::congested(std::uint64_t connection) const {
  const auto found = connections_.find(connection);
  return found != connections_.end() && found->second->congested();
}

void Server::send(RequestId request, std::string frame) {
  lease_.used();
  answer(request, std::move(frame));
}

void Server::answer(RequestId request, std::string frame) {
  const auto found = connections_.find(request.connection);
  if (found == connections_.end()) return;
  found->second->outstanding.erase(request.id);
  found->second->send(std::move(frame));
}

void Server::received(Connection& connection, const FrameHeader& header, std::string_view payload) {
  const RequestId request{connection.serial(), header.id};
  if (header.type == MessageType::hello) return greet(connection, request, payload);
  if (!connection.greeted) {
    reply_error(request, EPROTO, "hello", "the first message must be hello");
    return connection.close();
  }
  if (header.type == MessageType::cancel) return cancel(request.connection, payload);
  const bool outstanding = connection.outstanding.count(header.id) != 0;
  if (header.type == MessageType::write_data) {
    // What belongs to a write that has failed meanwhile is dropped.
    if (outstanding) dispatch(header.type, request, payload);
    return;
  }
  if (header.id == 0 || outstanding) return connection.close();
  if (connection.outstanding.size() >= kMaxOutstanding)
    return reply_error(request, EAGAIN, "limit", "too many requests are outstanding on this connection");
  connection.outstanding.insert(header.id);
  if (header.type != MessageType::ping) lease_.used();
  dispatch(header.type, request, payload);
}

void Server::greet(Connection& connection, RequestId request, std::string_view payload) {
  Hello hello;
  if (!decode(payload, hello) || hello.magic != kMagic) return connection.close();
  if (hello.min_version > kVersion || hello.max_version < kVersion) {
    reply_error(request, EPROTONOSUPPORT, "hello", "this runner speaks version 1 only");
    return connection.close();
  }
  if (!same_secret(hello.secret, options_.secret)) {
    reply_error(request, EACCES, "hello", "a wrong secret");
    return connection.close();
  }
  connection.greeted = true;
  utsname system{};
  ::uname(&system);
  HelloReply answer;
  answer.boot_id = boot_id_;
  answer.pid = ::getpid();
  answer.uid = ::getuid();
  answer.gid = ::getgid();
  answer.home = environment("HOME", "/");
  answer.cwd = current_directory();
  answer.machine = system.machine;
  answer.kernel = system.release;
  answer.shell = spawner_.shell();
  if (lineage_.tagged()) answer.features.push_back("lineage");
  if (lineage_.sealed()) answer.features.push_back("lineage-sealed");
  if (spawner_.shares_memory()) answer.features.push_back("vfork");
  answer.features.push_back("terminals");
  reply(request, MessageType::hello_reply, answer);
}

void Server::cancel(std::uint64_t connection, std::string_view payload) {
  Cancel cancel;
  if (!decode(payload, cancel)) return;
  const RequestId target{connection, cancel.target};
  if (processes_.cancel(target, cancel.kill) || terminals_.cancel(target, cancel.kill) ||
      files_.cancel(target) || trees_.cancel(target) || !cancel.kill)
    return;
  processes_.kill_started_by(target);
  terminals_.kill_opened_by(target);
}

bool Server::refused_for_disk(RequestId request) {
  std::string why = limits_.disk_refusal();
  if (why.empty()) return false;
  reply_error(request, EDQUOT, "limit", std::move(why));
  return true;
}

template <class Message, class Use>
void Server::with(RequestId request, std::string_view payload, Use use) {
  Message message;
  if (decode(payload, message)) return use(std::move(message));
  reply_error(request, EBADMSG, "decode", "a malformed request");
}

bool Server::dispatch_terminal(MessageType type, RequestId request, std::string_view payload) {
  const auto take = [&]<class Message>(void (TerminalTable::*use)(RequestId, Message)) {
    with<std::remove_cvref_t<Message>>(request, payload,
                                       [&](auto message) { (terminals_.*use)(request, std::move(message)); });
    return true;
  };
  switch (type) {
    case MessageType::open_terminal:
      if (ending_) {
        reply_error(request, ESHUTDOWN, "limit", "the sandbox is ending");
        return true;
      }
      limits_.command_started();
      return take(&TerminalTable::open);
    case MessageType::wait_terminal:
      return take(&TerminalTable::wait);
    case MessageType::write_terminal:
      return take(&TerminalTable::write);
    case MessageType::answer_terminal:
      return take(&TerminalTable::answer);
    case MessageType::resize_terminal:
      return take(&TerminalTable::resize);
    case MessageType::close_terminal:
      return take(&TerminalTable::close);
    case MessageType::list_terminals:
      terminals_.list(request);
      return true;
    case MessageType::put_checkpoint:
      return take(&TerminalTable::put_checkpoint);
    case MessageType::get_checkpoint:
      return take(&TerminalTable::get_checkpoint);
    default:
      return false;
  }
}

void Server::dispatch(MessageType type, RequestId request, std::string_view payload) {
  switch (type) {
    case MessageType::ping:
      return answer(request, encode_frame(MessageType::pong, request.id, {}));
    case MessageType::start:
      return with<Start>(request, payload, [&](Start message) {
        if (ending_) return reply_error(request, ESHUTDOWN, "limit", "the sandbox is ending");
        processes_.start(request, std::move(message));
        limits_.command_started();
      });
    case MessageType::wait:
      return with<Wait>(request, payload, [&](const Wait& message) { processes_.wait(request, message); });
    case MessageType::read_output:
      return with<ReadOutput>(request, payload,
                              [&](const ReadOutput& message) { processes_.read_output(request, message); });
    case MessageType::write_input:
      return with<WriteInput>(
          request, payload, [&](WriteInput message) { processes_.write_input(request, std::move(message)); });
    case MessageType::signal:
      return with<Signal>(request, payload,
                          [&](const Signal& message) { processes_.signal(request, message); });
    case MessageType::list:
      return with<List>(request, payload,
                        [&](const List& message) { processes_.list(request, message.all); });
    case MessageType::stat_file:
      return with<StatFile>(request, payload,
                            [&](const StatFile& message) { files_.stat(request, message); });
    case MessageType::read_file:
      return with<ReadFile>(request, payload,
                            [&](const ReadFile& message) { files_.read(request, message); });
    case MessageType::read_lines:
      return with<ReadLines>(request, payload,
                             [&](ReadLines message) { files_.read_lines(request, std::move(message)); });
    case MessageType::write_file:
      return with<WriteFile>(request, payload, [&](WriteFile message) {
        if (refused_for_disk(request)) return;
        files_.write(request, std::move(message));
      });
    case MessageType::write_data:
      return with<WriteData>(request, payload,
                             [&](const WriteData& message) { files_.write_data(request, message.data); });
    case MessageType::edit_file:
      return with<EditFile>(request, payload, [&](EditFile message) {
        if (refused_for_disk(request)) return;
        files_.edit(request, std::move(message));
      });
    case MessageType::make_entry:
      return with<MakeEntry>(request, payload, [&](const MakeEntry& message) {
        if (refused_for_disk(request)) return;
        files_.make_entry(request, message);
      });
    case MessageType::write_range:
      return with<WriteRange>(request, payload, [&](const WriteRange& message) {
        if (refused_for_disk(request)) return;
        files_.write_range(request, message);
      });
    case MessageType::list_files:
      return with<ListFiles>(request, payload,
                             [&](ListFiles message) { trees_.list(request, std::move(message)); });
    case MessageType::search_files:
      return with<SearchFiles>(request, payload,
                               [&](SearchFiles message) { trees_.search(request, std::move(message)); });
    case MessageType::set_lease:
      return with<SetLease>(request, payload, [&](const SetLease& message) {
        if (options_.listen_fd < 0)
          return reply_error(request, EOPNOTSUPP, "lease", "this runner ends with its channel");
        lease_.set(message.idle_ms, message.expires_unix_ms);
        reply_done(request);
      });
    case MessageType::shutdown:
      reply_done(request);
      return end_orderly();
    default:
      if (dispatch_terminal(type, request, payload)) return;
      return reply_error(request, ENOSYS, "request",
                         "this runner does not know request " + std::to_string(static_cast<unsigned>(type)));
  }
}

}  // namespace rexec::runner
