#include <csignal>

#include "app/commands.h"
#include "app/copy_progress.h"
#include "app/interruption.h"
#include "app/person_terminal.h"
#include "app/terminal_signals.h"
#include "app/terminal_visit.h"
#include "app/terminals.h"

namespace rexec::app {
namespace {

int report_failure(Streams& streams, const Error& error) {
  print_problem(streams.err, error.message);
  return kFailure;
}

int list_terminals(Invocation& invocation, const Op& op) {
  Streams& streams = invocation.streams;
  const auto terminals = reachable_terminals(invocation.program, {}, op);
  if (!terminals) return report_failure(streams, terminals.error());
  if (terminals->empty()) {
    streams.out << "There is no terminal in any sandbox that runs.\n";
  } else {
    print_terminals(streams.out, *terminals);
  }
  return kSuccess;
}

/// The terminal that is meant; after an error also says which there are.
Result<ReachableTerminal> find_terminal(Invocation& invocation, const TerminalName& name, const Op& op) {
  ASSIGN_OR_RETURN(const auto terminals, reachable_terminals(invocation.program, name.sandbox, op));
  auto chosen = choose_terminal(terminals, name);
  if (!chosen && !terminals.empty()) print_terminals(invocation.streams.err, terminals);
  return chosen;
}

std::string ended_text(const sandbox::TerminalReport& report) {
  std::string text = "has ended: " + status_text(report.status, report.exit_code, report.signal);
  if (!report.reason.empty()) text += " (" + report.reason + ")";
  return text;
}

/// What happened, for the person; the exit status.
int tell(Streams& streams, const std::string& verb, const std::string& name, const VisitEnd& end) {
  const std::string again = "; to come back: rexec-mcp " + verb + " " + name;
  switch (end.how) {
    case VisitEnd::How::left:
      print_problem(streams.err, "left " + name + ", which goes on" + again);
      return kSuccess;
    case VisitEnd::How::ended:
      print_problem(streams.err, name + " " + ended_text(end.report));
      return kSuccess;
    case VisitEnd::How::gone:
      print_problem(streams.err, name + " is gone: " + end.why);
      return kFailure;
    case VisitEnd::How::interrupted:
      print_problem(streams.err, "left " + name + " because of signal " + std::to_string(end.signal) + again);
      return kSignalBase + end.signal;
    case VisitEnd::How::hung_up:
      return kSignalBase + SIGHUP;
  }
  return kFailure;
}

int visit(Invocation& invocation, const TerminalName& name, bool watch_only) {
  Streams& streams = invocation.streams;
  const auto signals = TerminalSignals::make();
  if (!signals) return report_failure(streams, signals.error());
  Result<ReachableTerminal> found = Error{ErrorCode::cancelled, "interrupted"};
  {
    const Interruption interruption;
    found = find_terminal(invocation, name, Op{interruption.token(), Deadline::infinite()});
    if (interruption.signal() != 0) return kSignalBase + interruption.signal();
  }
  if (!found) return report_failure(streams, found.error());
  Result<VisitEnd> end = Error{};
  {
    auto person = PersonTerminal::take(streams.in_fd);
    if (!person) return report_failure(streams, person.error());
    end = TerminalVisit(*found->runner, found->entry.terminal, *person, signals->fd(), watch_only).run();
  }
  found->runner->close();
  if (!end) return report_failure(streams, end.error());
  return tell(streams, watch_only ? "watch" : "attach", found->name, *end);
}

int join(Invocation& invocation, bool watch_only) {
  Streams& streams = invocation.streams;
  int status = kFailure;
  if (invocation.line.arguments.empty()) {
    const Interruption interruption;
    status = list_terminals(invocation, Op{interruption.token(), Deadline::infinite()});
  } else {
    const auto name = parse_terminal_name(invocation.line.arguments[0]);
    if (!name) return usage_error(streams, name.error().message);
    if (!streams.in_is_terminal) {
      return report_failure(streams,
                            Error{ErrorCode::failed_precondition,
                                  "standard input is not a terminal, which this needs to take keys"});
    }
    status = visit(invocation, *name, watch_only);
  }
  invocation.program.shutdown();
  return status;
}

}  // namespace

int run_attach(Invocation& invocation) {
  return join(invocation, false);
}

int run_watch(Invocation& invocation) {
  return join(invocation, true);
}

}  // namespace rexec::app
