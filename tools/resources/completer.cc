// Values for what names a sandbox, a process or a terminal, whatever asks for it.
#include <algorithm>
#include <utility>

#include "tools/resources/features.h"
#include "tools/support/arguments.h"
#include "tools/support/terminal_answer.h"

namespace rexec::tools {
namespace {

class SandboxCompleter final : public mcp::Completer {
 public:
  explicit SandboxCompleter(const Services& services) : services_(services) {}

  void complete(const mcp::Inquiry& inquiry, mcp::CompletionQuery query,
                mcp::Reply<std::vector<std::string>> reply) override {
    if (query.argument == "sandbox") return sandboxes(inquiry, reply);
    if (query.argument == "process") return processes(inquiry, query, std::move(reply));
    if (query.argument == "terminal") return terminals(inquiry, query, std::move(reply));
    reply(std::vector<std::string>());
  }

 private:
  void sandboxes(const mcp::Inquiry& inquiry, const mcp::Reply<std::vector<std::string>>& reply) const {
    const auto records = services_.sandboxes.list({inquiry.principal()}, inquiry.op());
    if (!records) return reply(records.error());
    std::vector<std::string> names;
    for (const sandbox::SandboxRecord& record : *records) names.push_back(record.name);
    std::sort(names.begin(), names.end());
    reply(std::move(names));
  }

  /// The newest first. A sandbox that is not there has no processes.
  void processes(const mcp::Inquiry& inquiry, const mcp::CompletionQuery& query,
                 mcp::Reply<std::vector<std::string>> reply) const {
    const auto handle = sandbox_of(inquiry, query);
    if (!handle) return reply(std::vector<std::string>());
    handle->runner->list(false, inquiry.op(),
                         [inquiry, reply = std::move(reply)](Result<sandbox::ProcessEntries> found) {
                           std::vector<std::uint64_t> numbers;
                           if (found) {
                             for (const sandbox::ProcessEntry& entry : found->entries) {
                               if (entry.process != 0) numbers.push_back(entry.process);
                             }
                           }
                           inquiry.defer([numbers = std::move(numbers), reply]() mutable {
                             std::sort(numbers.rbegin(), numbers.rend());
                             std::vector<std::string> names;
                             for (const std::uint64_t number : numbers) names.push_back(process_name(number));
                             reply(std::move(names));
                           });
                         });
  }

  /// Those that are open, the newest first.
  void terminals(const mcp::Inquiry& inquiry, const mcp::CompletionQuery& query,
                 mcp::Reply<std::vector<std::string>> reply) const {
    const auto handle = sandbox_of(inquiry, query);
    if (!handle) return reply(std::vector<std::string>());
    handle->runner->list_terminals(
        inquiry.op(), [reply = std::move(reply)](const Result<std::vector<sandbox::TerminalEntry>>& found) {
          std::vector<std::string> names;
          if (found) {
            for (auto entry = found->rbegin(); entry != found->rend(); ++entry)
              if (entry->status == sandbox::ProcessStatus::running)
                names.push_back(terminal_name(entry->terminal));
          }
          reply(std::move(names));
        });
  }

  Result<sandbox::SandboxHandle> sandbox_of(const mcp::Inquiry& inquiry,
                                            const mcp::CompletionQuery& query) const {
    const auto known = query.known.find("sandbox");
    const std::string name =
        known == query.known.end() || known->second.empty() ? std::string(kDefaultSandbox) : known->second;
    return services_.sandboxes.find({inquiry.principal()}, name, inquiry.op());
  }

  const Services services_;
};

}  // namespace

std::shared_ptr<mcp::Completer> make_completer(const Services& services) {
  return std::make_shared<SandboxCompleter>(services);
}

}  // namespace rexec::tools
