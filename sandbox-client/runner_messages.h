// Between what the tools say and what the runner's protocol says: checking and translating what goes out,
// and checking what comes back against what was asked, since it comes from inside the sandbox.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox-client/runner/wire.h"
#include "sandbox-client/runner/wire_edit.h"
#include "sandbox-client/runner/wire_terminal.h"
#include "sandbox-client/runner/wire_transfer.h"
#include "sandbox-client/runner/wire_tree.h"
#include "sandbox-client/runner_client.h"

namespace rexec::sandbox {

/// Standard input that a process may be given at its start; the runner gets it in pieces.
inline constexpr std::size_t kMaxProcessInput = 64 << 20;
/// A file that write_file takes in one call.
inline constexpr std::size_t kMaxWriteFile = 32 << 20;

// Out. Errors are invalid_argument and say what to do instead.

/// Everything but nonce, writer, input and the wait.
Result<runner::Start> to_wire(const ProcessSpec& spec, const RunnerSettings& settings);
Result<runner::WaitSpec> to_wire(const WaitSpec& wait);
Result<runner::OpenTerminal> to_wire(const TerminalSpec& spec, const RunnerSettings& settings);  // no nonce
Result<runner::TerminalWait> to_wire(const TerminalWait& wait);
Result<runner::TerminalSize> to_wire(const TerminalSize& size);
Result<runner::WriteFile> to_wire(const WriteSpec& spec, const RunnerSettings& settings);  // without data
Result<runner::EditFile> to_wire(EditSpec&& spec, const RunnerSettings& settings);         // without nonce
Result<runner::MakeEntry> to_wire(const EntrySpec& spec, const RunnerSettings& settings);
Result<runner::WriteRange> to_wire(RangeSpec&& spec, const RunnerSettings& settings);
Result<runner::ListFiles> to_wire(const ListSpec& spec, const RunnerSettings& settings);
Result<runner::SearchFiles> to_wire(const SearchSpec& spec, const RunnerSettings& settings);
std::uint64_t milliseconds(Duration duration);  // rounded up, bounded
Duration microseconds(std::uint64_t value);     // bounded
ProcessStatus status_from_wire(runner::ProcessStatus status);
Result<std::string> checked_path(std::string_view path, const RunnerSettings& settings);

// Back. nullopt: it does not fit what was asked.

std::optional<ProcessReport> from_wire(runner::Report&& report, const runner::WaitSpec& asked,
                                       std::optional<std::uint64_t> process);
std::optional<OutputPart> from_wire(runner::Output&& output, const runner::ReadOutput& asked);
std::optional<ProcessEntries> from_wire(runner::ProcessList&& list);
std::optional<TerminalReport> from_wire(runner::TerminalReport&& report, const runner::TerminalWait& asked,
                                        std::optional<std::uint64_t> terminal);
std::optional<std::vector<TerminalEntry>> from_wire(runner::TerminalList&& list);
std::optional<TerminalCheckpoint> from_wire(runner::Checkpoint&& checkpoint);
std::optional<FileInfo> from_wire(runner::FileInfo&& info);
std::optional<FileData> from_wire(runner::FileData&& data, const runner::ReadFile& asked);
std::optional<FileData> from_wire(runner::FileData&& data, const runner::ReadLines& asked);
std::optional<FileWritten> from_wire(runner::FileWritten&& written);
std::optional<FileEdited> from_wire(runner::FileEdited&& edited);
std::optional<Listing> from_wire(runner::Listing&& listing, const runner::ListFiles& asked);
std::optional<SearchResult> from_wire(runner::SearchResult&& result, const runner::SearchFiles& asked);

/// Text from a sandbox, made fit to stand in a message of ours: one line, at most 300 bytes.
std::string quotable(std::string_view text);

Error explain_start(const runner::Failure& failure, const runner::Start& start);
Error explain_open(const runner::Failure& failure, const runner::Start& program);
Error explain_terminal(const runner::Failure& failure, std::uint64_t terminal);
Error explain_process(const runner::Failure& failure, std::uint64_t process);
Error explain_file(const runner::Failure& failure, const std::string& path);
/// What does not fit the file keeps its lines: failed_precondition, at most runner::kMaxEditProblem bytes.
Error explain_edit(const runner::Failure& failure, const std::string& path);
Error explain_transfer(const runner::Failure& failure, const std::string& path);
Error explain_tree(const runner::Failure& failure, const std::string& path);
Error explain(const runner::Failure& failure, std::string_view what);

}  // namespace rexec::sandbox
