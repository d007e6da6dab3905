#include "sandbox-client/runner/input_desk.h"

#include <algorithm>
#include <cerrno>

namespace rexec::runner {

void InputDesk::write(InputSink& sink, RequestId request, WriteInput input, const std::string& name) {
  if (sink.held_.empty() && offer(sink, request, input)) return;
  if (sink.held_.size() >= kMaxHeldInput || held_bytes_ + input.data.size() > kMaxHeldBytes)
    return replies_.reply_error(request, EAGAIN, "limit", "too much input waits for " + name + " to read");
  held_bytes_ += input.data.size();
  sink.held_.push_back({request, std::move(input)});
}

bool InputDesk::offer(InputSink& sink, RequestId request, const WriteInput& input) {
  InputQueue& queue = sink.input();
  if (!sink.input_closed() && !queue.has_room()) return false;
  switch (queue.accept(input.writer, input.offset, input.data)) {
    case InputQueue::Verdict::accepted:
      break;
    case InputQueue::Verdict::gap:
      replies_.reply_error(request, EINVAL, "input",
                           "input of this writer is expected from byte " +
                               std::to_string(queue.accepted(input.writer)) + " on");
      return true;
    case InputQueue::Verdict::long_name:
      replies_.reply_error(request, EINVAL, "input", "the writer's name is too long");
      return true;
  }
  const bool closed_before = sink.input_closed() || queue.closing();
  if (input.close) queue.close();
  sink.push_input();
  const InputReport report{queue.accepted(input.writer),
                           closed_before || (sink.input_closed() && !input.close)};
  replies_.reply(request, MessageType::input_report, report);
  return true;
}

void InputDesk::admit(InputSink& sink) {
  std::size_t answered = 0;
  while (answered < sink.held_.size()) {
    const HeldInput& held = sink.held_[answered];
    if (!offer(sink, held.request, held.input)) break;
    held_bytes_ -= held.input.data.size();
    ++answered;
  }
  sink.held_.erase(sink.held_.begin(), sink.held_.begin() + static_cast<std::ptrdiff_t>(answered));
}

bool InputDesk::cancel(InputSink& sink, RequestId request) {
  const auto found = std::find_if(sink.held_.begin(), sink.held_.end(),
                                  [&](const HeldInput& held) { return held.request == request; });
  if (found == sink.held_.end()) return false;
  held_bytes_ -= found->input.data.size();
  sink.held_.erase(found);
  replies_.reply_error(request, ECANCELED, "cancelled", "cancelled");
  return true;
}

void InputDesk::drop_connection(InputSink& sink, std::uint64_t connection) {
  std::erase_if(sink.held_, [&](const HeldInput& held) {
    if (held.request.connection != connection) return false;
    held_bytes_ -= held.input.data.size();
    return true;
  });
}

}  // namespace rexec::runner
