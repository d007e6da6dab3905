#include "tools/support/process_result.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "tools/support/cursor.h"
#include "tools/support/durations.h"
#include "tools/support/output_filter.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/signals.h"

namespace rexec::tools {
namespace {

using sandbox::ProcessReport;
using sandbox::ProcessStatus;
using sandbox::StreamReport;

constexpr std::size_t kMinPage = 256;  // characters of a page, so that every page gets on
constexpr std::size_t kMaxReasonChars = 200;
constexpr std::size_t kMaxRepeatedGrep = 200;  // of an expression, in a proposed call
constexpr std::string_view kStderrHeader = "[stderr]\n";
constexpr std::array<const char*, 2> kStreamNames = {"stdout", "stderr"};

/// A call of process_read that goes on with this process.
class ProposedRead {
 public:
  ProposedRead(const ProcessReport& report, const OutputRequest& request) {
    add("process", Json(process_name(report.process)));
    if (!request.sandbox.empty()) add("sandbox", Json(request.sandbox));
  }
  ProposedRead& add(std::string_view key, const Json& value) {
    text_ += (text_.empty() ? "\"" : ",\"") + std::string(key) + "\":" + dump_json(value);
    return *this;
  }
  std::string text() const { return "process_read {" + text_ + "}"; }

 private:
  std::string text_;
};

ProposedRead proposed_page(const ProcessReport& report, const OutputRequest& request, const Cursor& cursor) {
  ProposedRead call(report, request);
  if (request.wanted[0] != request.wanted[1])
    call.add("stream", Json(kStreamNames[request.wanted[0] ? 0 : 1]));
  if (request.base64) call.add("encoding", Json("base64"));
  call.add("cursor", Json(cursor.text()));
  return call;
}

/// Text from the sandbox on one line.
std::string one_line(std::string_view text) {
  std::string line = to_valid_utf8(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c >= '\0' && c < ' '; }, ' ');
  return std::string(utf8_prefix(line, kMaxReasonChars));
}

std::string how_it_ended(const ProcessReport& report) {
  const std::string after = " · " + describe(report.duration);
  const std::string why = report.reason.empty() ? "" : " · " + one_line(report.reason);
  switch (report.status) {
    case ProcessStatus::running:
      return "running · process " + process_name(report.process) + after +
             (report.time_left ? " · is killed in " + describe(*report.time_left) : "");
    case ProcessStatus::exited:
      return "exit " + std::to_string(report.exit_code) + after + why;
    case ProcessStatus::signaled:
      return "signal " + signal_name(report.signal) + after + why;
    case ProcessStatus::timed_out:
      return "timed out after " + describe(report.duration) + " · killed" + why;
    case ProcessStatus::cancelled:
      return "cancelled" + after + why;
  }
  return "unknown";
}

std::string status_line(const ProcessReport& report, const OutputRequest& request, const Cursor& cursor,
                        bool more, const std::optional<Selected>& selected) {
  std::string line = "[" + how_it_ended(report);
  if (selected) {
    line +=
        " · " + std::to_string(selected->lines) + (selected->lines == 1 ? " line" : " lines") + " selected";
  }
  if (more || report.status == ProcessStatus::running) {
    line += " — read more with " + proposed_page(report, request, cursor).text();
  }
  return line + "]";
}

std::string left_out(const Omission& omission) {
  std::string text = "[… " + std::to_string(omission.bytes) + " bytes";
  if (omission.lines > 0) {
    text += ", " + std::to_string(omission.lines) + (omission.lines == 1 ? " line," : " lines,");
  }
  text += " left out";
  if (omission.lost > 0) text += ", " + std::to_string(omission.lost) + " bytes of them no longer kept";
  return text + " — ";
}

Marker gap_marker(const ProcessReport& report, const OutputRequest& request, std::size_t stream) {
  return [&report, &request, stream](const Omission& omission) {
    Cursor cursor{request.from};
    cursor.offset[stream] = omission.offset;
    ProposedRead call(report, request);
    if (report.streams[1 - stream].produced > 0) call.add("stream", Json(kStreamNames[stream]));
    call.add("cursor", Json(cursor.text()));
    return left_out(omission) + call.text() + (omission.lost > 0 ? " returns the rest]" : " returns them]");
  };
}

Marker selection_marker(const ProcessReport& report, const OutputRequest& request) {
  std::string way = "select fewer lines]";
  if (request.max_chars < request.max_chars_cap) {
    ProposedRead call(report, request);
    const LineSelection& selection = request.selection;
    if (selection.grep && selection.grep->pattern().size() <= kMaxRepeatedGrep) {
      call.add("grep", Json(selection.grep->pattern()));
    }
    if (selection.head) call.add("head_lines", Json(*selection.head));
    if (selection.tail) call.add("tail_lines", Json(*selection.tail));
    way = call.add("max_chars", Json(request.max_chars_cap)).text() + " returns more]";
  }
  return [way](const Omission& omission) { return left_out(omission) + way; };
}

struct Shares {
  std::array<std::size_t, 2> room{};
};

/// What each stream may have: a third is stderr's if it needs that much, and neither keeps what it does not
/// need.
Shares share_room(const std::array<const StreamReport*, 2>& streams, const OutputRequest& request,
                  std::size_t room) {
  std::array<std::size_t, 2> needs{};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!request.wanted[i]) continue;
    const std::size_t bytes = streams[i]->head.size() + streams[i]->tail.size();
    const bool selected = request.selection.active();
    needs[i] = request.base64 ? std::min(room, (bytes + 2) / 3 * 4)
                              : measure(*streams[i], request.raw || selected, room);
  }
  const std::size_t err = std::min(needs[1], std::max(room / 3, room - std::min(room, needs[0])));
  Shares shares;
  shares.room[1] = err;
  shares.room[0] = room - err;
  return shares;
}

StreamView view_stream(const ProcessReport& report, const StreamReport& stream, const OutputRequest& request,
                       std::size_t index, std::size_t room) {
  if (request.selection.active()) return view_ends(stream, true, room, selection_marker(report, request));
  if (request.base64) return view_base64(stream, std::max(room, kMinPage));
  if (request.forward) return view_page(stream, request.raw, std::max(room, kMinPage));
  return view_ends(stream, request.raw, room, gap_marker(report, request, index));
}

void end_line(std::string& text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
}

struct Account {
  std::uint64_t omitted_bytes = 0;
  std::uint64_t omitted_lines = 0;
  std::uint64_t lost_bytes = 0;
  bool gap = false;
  bool more = false;
  Cursor next;
  Cursor gap_cursor;
};

Json structured_form(const sandbox::SandboxHandle& handle, const ProcessReport& report,
                     const Account& account) {
  Json json = {{"sandbox", handle.record.name},
               {"process", process_name(report.process)},
               {"status", std::string(to_string(report.status))},
               {"stdout_bytes", report.streams[0].produced},
               {"stderr_bytes", report.streams[1].produced},
               {"cursor", account.next.text()},
               {"duration_ms", milliseconds(report.duration)}};
  if (report.status == ProcessStatus::exited) json["exit_code"] = report.exit_code;
  if (report.status == ProcessStatus::signaled) json["signal"] = signal_name(report.signal);
  if (!report.reason.empty()) json["reason"] = one_line(report.reason);
  if (report.status == ProcessStatus::running && report.time_left) {
    json["time_left_ms"] = milliseconds(*report.time_left);
  }
  if (report.cpu) json["cpu_ms"] = milliseconds(*report.cpu);
  if (report.max_rss_bytes) json["max_rss_bytes"] = *report.max_rss_bytes;
  if (account.omitted_bytes > 0) json["omitted_bytes"] = account.omitted_bytes;
  if (account.omitted_lines > 0) json["omitted_lines"] = account.omitted_lines;
  if (account.lost_bytes > 0) json["lost_bytes"] = account.lost_bytes;
  if (account.gap) json["gap_cursor"] = account.gap_cursor.text();
  if (account.more) json["more"] = true;
  return json;
}

}  // namespace

std::string_view to_string(ProcessStatus status) {
  switch (status) {
    case ProcessStatus::running:
      return "running";
    case ProcessStatus::exited:
      return "exited";
    case ProcessStatus::signaled:
      return "signaled";
    case ProcessStatus::timed_out:
      return "timed_out";
    case ProcessStatus::cancelled:
      return "cancelled";
  }
  return "running";
}

OutputRequest output_request(const Arguments& arguments, const ToolLimits& limits, Violations& violations) {
  OutputRequest request;
  request.raw = arguments.flag("raw");
  request.selection = LineSelection::from(arguments, violations);
  request.max_chars = arguments.max_chars(limits);
  request.max_chars_cap = limits.max_chars;
  request.sandbox = arguments.text("sandbox");
  return request;
}

sandbox::WaitSpec wait_spec(const OutputRequest& request, sandbox::Until until, Duration wait) {
  sandbox::WaitSpec spec;
  spec.until = until;
  spec.wait = wait;
  spec.from = request.from;
  spec.wanted = request.wanted;
  const std::size_t most = std::min(request.max_chars, kMaxPiece / kMaxCharBytes) * kMaxCharBytes;
  if (request.selection.active()) {
    spec.head = kMaxPiece;
  } else if (request.forward) {
    // Twice the longest sequence, so that a page always gets over one.
    spec.head = std::max(most, 2 * kMaxSequence);
  } else {
    spec.head = most * kHeadShare / (kHeadShare + kTailShare);
    spec.tail = most - spec.head;
  }
  return spec;
}

mcp::ToolResult present_process(const sandbox::SandboxHandle& handle, const ProcessReport& report,
                                const OutputRequest& request, const std::optional<Selected>& selected,
                                std::vector<std::string> notes) {
  std::array<StreamReport, 2> selections;
  std::array<const StreamReport*, 2> streams{&report.streams[0], &report.streams[1]};
  if (selected) {
    for (std::size_t i = 0; i < 2; ++i) {
      selections[i] = as_report(selected->text[i]);
      streams[i] = &selections[i];
    }
  }

  // The frame around the output, at its longest.
  const Cursor last{{report.streams[0].produced, report.streams[1].produced}};
  std::size_t frame =
      utf8_length(status_line(report, request, last, true, selected)) + kStderrHeader.size() + 2;
  for (const std::string& note : notes) frame += utf8_length(note) + 3;
  if (handle.recreated) frame += utf8_length(recreated_note(handle)) + 1;
  const bool lost = request.forward && (report.streams[0].lost > 0 || report.streams[1].lost > 0);
  constexpr std::size_t kLostNote = 80;
  if (lost) frame += kLostNote;
  const std::size_t room = request.max_chars - std::min(request.max_chars, frame);

  const Shares shares = share_room(streams, request, room);
  std::array<StreamView, 2> views;
  Account account;
  account.next.offset = account.gap_cursor.offset = request.from;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!request.wanted[i]) continue;
    StreamView& view = views[i] = view_stream(report, *streams[i], request, i, shares.room[i]);
    account.omitted_bytes += view.omitted_bytes;
    account.omitted_lines += view.omitted_lines;
    account.lost_bytes += selected ? 0 : view.lost_bytes;
    account.gap |= view.gap && !selected;
    account.more |= view.more;
    account.next.offset[i] = selected ? selected->next[i] : view.next;
    account.gap_cursor.offset[i] = view.gap_offset;
  }
  if (selected) account.lost_bytes = selected->lost_bytes;
  if ((request.forward || selected) && account.lost_bytes > 0) {
    notes.push_back(std::to_string(account.lost_bytes) + " bytes before this are no longer kept");
  }

  Json json = structured_form(handle, report, account);
  if (selected) json["matched_lines"] = selected->lines;
  if (request.base64) json["encoding"] = "base64";
  std::string text;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!request.wanted[i]) continue;
    if (i == 1 && !views[i].text.empty()) {
      end_line(text);
      text += kStderrHeader;
    }
    text += views[i].text;
    json[kStreamNames[i]] = std::move(views[i].text);
  }
  end_line(text);
  for (const std::string& note : notes) text += "[" + note + "]\n";
  if (!notes.empty()) json["notes"] = std::move(notes);
  text += status_line(report, request, account.next, account.more, selected);

  mcp::ToolResult result = mcp::ToolResult::text(std::move(text));
  result.structured = std::move(json);
  return result;
}

}  // namespace rexec::tools
