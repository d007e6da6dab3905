#include "sandbox-client/runner_input.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/random.h"
#include "sandbox-client/runner_messages.h"

namespace rexec::sandbox {

using runner::MessageType;

RunnerInput::RunnerInput(Reactor& reactor, std::shared_ptr<RunnerSession> session, Kind kind)
    : reactor_(reactor), session_(std::move(session)), kind_(kind), base_name_(random_hex(8)) {}

Request RunnerInput::request_of(runner::WriteInput message) const {
  Request request;
  request.expected = MessageType::input_report;
  if (kind_ == Kind::process) {
    request.type = MessageType::write_input;
    request.payload = runner::encode(message);
  } else {
    request.type = MessageType::write_terminal;
    request.payload = runner::encode(runner::WriteTerminal{message.process, std::move(message.writer),
                                                           message.offset, std::move(message.data)});
  }
  return request;
}

Error RunnerInput::explain_failure(const runner::Failure& failure, std::uint64_t process) const {
  return kind_ == Kind::process ? explain_process(failure, process) : explain_terminal(failure, process);
}

std::string RunnerInput::new_writer() {
  const MutexLock lock(mutex_);
  return base_name_ + "." + std::to_string(++writers_);
}

RunnerInput::Stream& RunnerInput::stream(std::uint64_t process) {
  if (const auto found = streams_.find(process); found != streams_.end()) return found->second;
  if (streams_.size() >= kMaxProcesses)
    std::erase_if(streams_, [](const auto& entry) {
      return entry.second.calls.empty() && entry.second.on_way.empty() && !entry.second.pumping;
    });
  Stream& made = streams_[process];
  made.writer = base_name_ + "." + std::to_string(++writers_);
  return made;
}

void RunnerInput::adopt(std::uint64_t process, std::string writer, std::uint64_t offset) {
  const MutexLock lock(mutex_);
  Stream& adopted = stream(process);
  adopted.writer = std::move(writer);
  adopted.sent = adopted.accepted = offset;
}

void RunnerInput::write(std::uint64_t process, std::string bytes, bool close, const Op& op,
                        Completion<InputState> done) {
  if (auto over = already_over(op)) return done(*std::move(over));
  if (bytes.size() > kMaxProcessInput)
    return done(Error{ErrorCode::invalid_argument, "more than " + std::to_string(kMaxProcessInput) +
                                                       " bytes cannot be written in one call"});
  const auto call = std::make_shared<Call>();
  bool full = false;
  {
    const MutexLock lock(mutex_);
    Stream& target = stream(process);
    full = target.calls.size() >= kMaxWaiting;
    if (!full) {
      call->number = ++calls_;
      call->bytes = std::move(bytes);
      call->close = close;
      call->done = std::move(done);
      target.calls.push_back(call);
    }
  }
  if (full)
    return done(Error{ErrorCode::resource_exhausted,
                      "too many calls wait to write; the program does not read its input"});
  pump(process);
  if (op.stop.stop_possible() || !op.deadline.is_infinite()) {
    call->watch.emplace(reactor_, op,
                        [weak = weak_from_this(), process, number = call->number](ErrorCode code) {
                          if (const auto self = weak.lock()) self->give_up(process, number, code);
                        });
  }
}

std::optional<RunnerInput::Piece> RunnerInput::next_piece(std::uint64_t process, Stream& stream) {
  if (stream.calls.empty()) return std::nullopt;
  Piece piece;
  piece.message.process = process;
  piece.message.writer = stream.writer;
  if (stream.uncertain) {
    if (!stream.on_way.empty()) return std::nullopt;
    piece.end = piece.message.offset = stream.accepted;
  } else {
    Call& call = *stream.calls.front();
    if (call.all_sent || stream.on_way.size() >= kPiecesAtOnce) return std::nullopt;
    const std::size_t size = std::min(runner::kMaxData, call.bytes.size() - call.sent);
    piece.message.offset = stream.sent;
    piece.message.data = call.bytes.substr(call.sent, size);
    piece.call = call.number;
    call.sent += size;
    piece.end = stream.sent += size;
    piece.last = call.all_sent = call.sent == call.bytes.size();
    piece.message.close = call.close && piece.last;
  }
  piece.number = ++pieces_;
  stream.on_way.emplace(piece.number, 0);
  return piece;
}

// One thread at a time sends for a process, so that pieces leave in their order.
void RunnerInput::pump(std::uint64_t process) {
  for (bool first = true;; first = false) {
    std::optional<Piece> piece;
    {
      const MutexLock lock(mutex_);
      const auto found = streams_.find(process);
      if (found == streams_.end() || (first && found->second.pumping)) return;
      piece = next_piece(process, found->second);
      found->second.pumping = piece.has_value();
    }
    if (!piece) return;
    send(process, *std::move(piece));
  }
}

void RunnerInput::send(std::uint64_t process, Piece piece) {
  Request request = request_of(std::exchange(piece.message, {}));
  const std::uint64_t number = piece.number;
  const bool is_question = piece.call == 0;
  request.done = [self = shared_from_this(), process, piece = std::move(piece)](const Result<Reply>& reply) {
    return self->answered(process, piece, reply);
  };
  const std::uint32_t id = session_->submit(std::move(request));
  bool hurry = false;
  {
    const MutexLock lock(mutex_);
    const auto found = streams_.find(process);
    if (found == streams_.end()) return;
    const auto placed = found->second.on_way.find(number);
    if (placed == found->second.on_way.end()) return;
    placed->second = id;
    hurry = found->second.uncertain && !is_question;
  }
  if (hurry) session_->hurry(id);
}

bool RunnerInput::answered(std::uint64_t process, const Piece& piece, const Result<Reply>& reply) {
  runner::InputReport report;
  std::optional<Error> error;
  if (!reply) {
    error = reply.error();
  } else if (reply->type == MessageType::error) {
    runner::Failure failure;
    if (!runner::decode(reply->payload, failure)) return false;
    error = explain_failure(failure, process);
  } else if (!runner::decode(reply->payload, report)) {
    return false;
  }

  bool acceptable = true;
  std::vector<std::shared_ptr<Call>> ended;
  {
    const MutexLock lock(mutex_);
    const auto found = streams_.find(process);
    if (found == streams_.end()) return true;
    Stream& stream = found->second;
    stream.on_way.erase(piece.number);
    const bool is_question = piece.call == 0;
    const bool is_front = !is_question && !stream.calls.empty() && stream.calls.front()->number == piece.call;
    if (error) {
      if (is_question) {
        ended.assign(stream.calls.begin(), stream.calls.end());
        stream.calls.clear();
      } else {
        stream.uncertain = true;
        if (is_front) {
          ended.push_back(std::move(stream.calls.front()));
          stream.calls.pop_front();
        }
      }
    } else {
      const bool all_taken = report.closed || stream.uncertain || report.accepted >= piece.end;
      acceptable = all_taken && report.accepted <= stream.sent;
      stream.accepted = std::max(stream.accepted, std::min(report.accepted, stream.sent));
      if (is_question) {
        stream.sent = stream.accepted;
        stream.uncertain = false;
      }
      if (is_front && (piece.last || report.closed || !acceptable)) {
        ended.push_back(std::move(stream.calls.front()));
        stream.calls.pop_front();
        if (stream.accepted != stream.sent) stream.uncertain = true;
      }
    }
  }
  if (!acceptable) error = Error{ErrorCode::data_loss, "protocol error: the sandbox miscounted its input"};
  for (const std::shared_ptr<Call>& call : ended) {
    if (error) {
      finish(*call, *error);
    } else {
      finish(*call, InputState{report.accepted, report.closed});
    }
  }
  if (acceptable) pump(process);
  return acceptable;
}

void RunnerInput::give_up(std::uint64_t process, std::uint64_t number, ErrorCode code) {
  std::shared_ptr<Call> call;
  std::vector<std::uint32_t> hurried;
  {
    const MutexLock lock(mutex_);
    const auto found = streams_.find(process);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    const auto place = std::find_if(stream.calls.begin(), stream.calls.end(),
                                    [number](const auto& waiting) { return waiting->number == number; });
    if (place == stream.calls.end()) return;
    call = *place;
    if (place == stream.calls.begin() && (call->sent > 0 || call->all_sent)) {
      stream.uncertain = true;
      for (const auto& [piece, id] : stream.on_way)
        if (id != 0) hurried.push_back(id);
    }
    stream.calls.erase(place);
  }
  for (const std::uint32_t id : hurried) session_->hurry(id);
  finish(*call, given_up(code));
  pump(process);
}

void RunnerInput::finish(Call& call, Result<InputState> result) {
  const Completion<InputState> done = std::move(call.done);
  call.done = nullptr;
  done(std::move(result));
}

}  // namespace rexec::sandbox
