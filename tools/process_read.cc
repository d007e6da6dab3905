// process_read: output and state of a process, page by page or head and tail, now or when something happens.
#include <utility>

#include "tools/services.h"
#include "tools/support/cursor.h"
#include "tools/support/process_answer.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

struct Reading {
  std::uint64_t process = 0;
  sandbox::Until until = sandbox::Until::output;
  Duration wait{};
  OutputRequest output;
};

Reading parse_reading(const Arguments& arguments, const ToolLimits& limits, Violations& violations) {
  Reading reading;
  reading.process = process_number(arguments, "process", violations);
  reading.output = output_request(arguments, limits, violations);
  OutputRequest& output = reading.output;
  if (arguments.text("until") == "exit") reading.until = sandbox::Until::exit;
  reading.wait = std::min(arguments.seconds("wait_s").value_or(Duration{}), limits.max_wait);
  const std::string stream = arguments.text("stream", "both");
  output.wanted = {stream != "stderr", stream != "stdout"};
  output.base64 = arguments.text("encoding") == "base64";
  if (const auto text = arguments.optional_text("cursor")) {
    if (const auto cursor = Cursor::parse(*text)) {
      output.from = cursor->offset;
      output.forward = true;
    } else {
      violations.push_back({"/cursor", in_quotes(*text) +
                                           " is not a cursor; expected cursor or gap_cursor of an "
                                           "earlier answer, or none"});
    }
  }
  if (output.base64) {
    output.forward = true;
    for (const char* key : {"grep", "head_lines", "tail_lines"}) {
      if (!arguments.has(key)) continue;
      violations.push_back(
          {pointer_step(key), "selects lines of text and cannot be used with encoding \"base64\""});
    }
  }
  return reading;
}

}  // namespace

mcp::ToolHandler make_process_read(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    Reading reading = parse_reading(Arguments(call->arguments()), services.limits, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(
        services, call, [services, call, reading = std::move(reading)](sandbox::SandboxHandle handle) {
          auto context = std::make_shared<const ProcessContext>(
              ProcessContext{call, std::move(handle), reading.output, services.limits.progress_interval,
                             services.sandboxes.backend().capabilities().network_host});
          wait_for_process(context, reading.process, reading.until, Deadline::after(reading.wait),
                           [context, process = reading.process](Result<sandbox::ProcessReport> report) {
                             if (!report) return fail_process(*context, process, report.error());
                             answer_process(context, std::move(*report));
                           });
        });
  });
}

}  // namespace rexec::tools
