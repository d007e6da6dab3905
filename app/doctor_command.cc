#include <chrono>

#include "app/commands.h"
#include "app/interruption.h"

namespace rexec::app {
namespace {

constexpr std::chrono::seconds kDeadline{30};

sandbox::Finding check_config(const Result<LoadedConfig>& config) {
  sandbox::Finding finding{"configuration", config.ok(), true, {}, {}};
  if (!config) {
    finding.detail = config.error().message;
    finding.remedy = "correct it; rexec-mcp help config explains where values come from";
  } else {
    finding.detail = config->file.empty() ? "no file, defaults are in force" : config->file;
  }
  return finding;
}

std::string indented(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "        ";
  }
  return result;
}

void print_text(std::ostream& out, const std::vector<sandbox::Finding>& findings, bool ready) {
  for (const sandbox::Finding& finding : findings) {
    const std::string_view verdict = finding.ok ? "ok      " : finding.required ? "MISSING " : "absent  ";
    out << verdict << finding.name;
    if (!finding.detail.empty()) out << ": " << indented(finding.detail);
    out << '\n';
    if (!finding.ok && !finding.remedy.empty()) out << "        remedy: " << indented(finding.remedy) << '\n';
  }
  out << '\n'
      << (ready ? "Sandboxes can be made on this machine.\n"
                : "Sandboxes cannot be made on this machine until what is MISSING has been remedied.\n");
}

void print_json(std::ostream& out, const std::vector<sandbox::Finding>& findings, bool ready) {
  Json list = Json::array();
  for (const sandbox::Finding& finding : findings) {
    Json entry = {{"name", finding.name},
                  {"ok", finding.ok},
                  {"required", finding.required},
                  {"detail", finding.detail}};
    if (!finding.ok && !finding.remedy.empty()) entry["remedy"] = finding.remedy;
    list.push_back(std::move(entry));
  }
  out << dump_json_pretty({{"findings", std::move(list)}, {"ready", ready}}) << '\n';
}

}  // namespace

int run_doctor(Invocation& invocation) {
  const Interruption interruption;
  std::vector<sandbox::Finding> findings = {check_config(invocation.config)};
  for (auto& finding :
       invocation.program.backend().diagnose(Op{interruption.token(), Deadline::after(kDeadline)})) {
    findings.push_back(std::move(finding));
  }
  bool ready = true;
  for (const auto& finding : findings) ready = ready && (finding.ok || !finding.required);
  const bool json = invocation.line.option("--output") == "json";
  (json ? print_json : print_text)(invocation.streams.out, findings, ready);
  return ready ? kSuccess : kFailure;
}

}  // namespace rexec::app
