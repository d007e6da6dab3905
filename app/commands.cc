#include "app/commands.h"

#include <algorithm>

namespace rexec::app {
namespace {

constexpr Option kOutput = {"--output", "text|json", "The form of what is printed; text by default."};

constexpr std::string_view kAttachDetails =
    "Joins a terminal that an assistant opened, at the same time as the assistant: both see the same screen\n"
    "and both can type. TERMINAL is the name that the assistant's tools use, such as t1. SANDBOX is the "
    "name\n"
    "or the id of its sandbox, and can be left out where only one sandbox has such a terminal. Without an\n"
    "argument the terminals that there are are listed.\n"
    "\n"
    "The terminal takes the size of yours, and its own again when you leave. ctrl-] leaves; the program "
    "goes\n"
    "on. What you type goes to the program and nowhere else, passwords too; the assistant sees what the\n"
    "program shows. Nothing but text and colours reaches your terminal.\n"
    "\n"
    "Exit status: 0 left, or the program has ended; 1 there is no such terminal, or the sandbox is gone; 2\n"
    "wrong usage; 128 + N signal N.\n"
    "\n"
    "Examples:\n"
    "  rexec-mcp attach\n"
    "  rexec-mcp attach t1\n"
    "  rexec-mcp attach work:t2\n";

constexpr std::string_view kWatchDetails =
    "Shows a terminal as attach does, without any influence on it: what you type is ignored, and its size\n"
    "stays as it is. q, ctrl-c and ctrl-] leave. See `rexec-mcp help attach`.\n";

constexpr Option kCallOptions[] = {
    {"--json", "JSON", "All arguments as one JSON object; - reads it from standard input."},
    kOutput,
    {"--exit-code", "",
     "With exec: end with the exit status of the command (128 + N for signal N, 124 for a "
     "timeout)."},
};
constexpr Option kOutputOptions[] = {kOutput};

constexpr std::string_view kCallDetails =
    "Runs one tool in this process and prints its text. A sandbox that the call makes ends with it, unless "
    "it\n"
    "is persistent.\n"
    "\n"
    "Values are converted to what the tool's schema asks for: wait_s=2, raw=true, env=KEY=VALUE (once for "
    "each\n"
    "variable). A list or an object may also be given as JSON. `rexec-mcp tools TOOL` shows the schema.\n"
    "\n"
    "Exit status: 0 the tool answered, 1 the tool reported an error, 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  rexec-mcp call exec command='uname -a'\n"
    "  rexec-mcp call exec --exit-code command='exit 3'\n"
    "  rexec-mcp call exec --json '{\"command\": \"env\", \"env\": {\"A\": \"1\"}}' --output json\n";

constexpr std::string_view kConfigDetails =
    "show       the settings in force, each with where it comes from\n"
    "schema     JSON Schema of the configuration file\n"
    "reference  every setting as a Markdown table\n"
    "\n"
    "Values come from the defaults, then the file ($XDG_CONFIG_HOME/rexec-mcp/config.json, or the one that\n"
    "--config or REXEC_MCP_CONFIG names), then the environment, then flags; the last one wins. A setting\n"
    "a.b_c is {\"a\": {\"b_c\": ...}} in the file, REXEC_MCP_A_B_C in the environment, and the flag "
    "--a-b-c.\n";

constexpr Option kCpOptions[] = {
    kOutput,
    {"--quiet", "", "Neither progress nor a summary on standard error, only what went wrong."},
};

constexpr std::string_view kCpDetails =
    "Copies a file or a tree into a sandbox that runs, or out of it: a persistent one, or one of a server\n"
    "that runs. Exactly one of SRC and DST is NAME:PATH; NAME may be the sandbox's id; PATH is absolute,\n"
    "begins with ~, or is relative to the sandbox's working directory. A file of this machine with a colon\n"
    "in its name is written ./a:b, and - is standard input or output.\n"
    "\n"
    "A DST that is a directory gets the copy under SRC's name, or with SRC/. what SRC contains. Directories\n"
    "are copied with all that is in them and merged into those that are there; files and symlinks replace\n"
    "one another, but no directory. Permissions, times and symlinks are kept as they are; none is followed\n"
    "below SRC and DST. FIFOs, devices and sockets are skipped. After an error the copy goes on. What was\n"
    "being copied when it was interrupted is incomplete. Secrets in files are not masked.\n"
    "\n"
    "Exit status: 0 everything was copied, 1 something was not or was skipped, 2 wrong usage, 130 Ctrl-C.\n"
    "--output json prints the numbers of files, directories, symlinks, bytes, skipped and errors.\n"
    "\n"
    "Examples:\n"
    "  rexec-mcp cp project work:\n"
    "  rexec-mcp cp work:project/build/. results\n"
    "  tar c src | rexec-mcp cp - work:/tmp/src.tar\n";

constexpr std::string_view kDoctorDetails =
    "Checks everything that sandboxes on this machine need and says what to do about what is missing. "
    "Changes\n"
    "nothing. Exit status: 0 when every required check passed, else 1.\n";

constexpr Option kSandboxesOptions[] = {
    kOutput,
    {"--expires-in-s", "SECONDS", "With create: the sandbox ends after so long."},
    {"--dry-run", "", "With prune: only say what would be removed."},
};

constexpr std::string_view kSandboxesDetails =
    "list            persistent sandboxes with status, expiry, disk use, network and mounts; the default\n"
    "create NAME     makes one; assistants and `rexec-mcp call` use it by its name\n"
    "delete NAME...  ends them and removes their files; an id (see --output json) does as well\n"
    "prune           removes what is left of sandboxes that are over, or whose making was interrupted\n"
    "\n"
    "Persistent sandboxes outlive the server. They end when they expire, or when nobody used them and\n"
    "nothing ran for sandboxes.persistent_idle_s.\n";

constexpr std::string_view kStdioDetails =
    "Speaks MCP over standard input and output, one JSON message on a line. This is what an assistant's\n"
    "configuration starts. It ends at the end of its input; calls under way then have 1.5 s to finish.\n";

constexpr Command kCommands[] = {
    {"stdio", "", 0, 0, {}, "Serve MCP over standard input and output.", kStdioDetails, true, run_stdio},
    {"call", "TOOL [KEY=VALUE ... | --json JSON]", 1, kAnyNumber, kCallOptions,
     "Call one tool and print its answer.", kCallDetails, true, run_call},
    {"attach",
     "[[SANDBOX:]TERMINAL]",
     0,
     1,
     {},
     "Join a terminal of a sandbox, beside the assistant.",
     kAttachDetails,
     true,
     run_attach},
    {"watch",
     "[[SANDBOX:]TERMINAL]",
     0,
     1,
     {},
     "Follow a terminal of a sandbox without typing.",
     kWatchDetails,
     true,
     run_watch},
    {"tools", "[NAME]", 0, 1, kOutputOptions, "List the tools, or show one with its schema.", "", true,
     run_tools},
    {"doctor", "", 0, 0, kOutputOptions, "Check what sandboxes need on this machine.", kDoctorDetails, false,
     run_doctor},
    {"config", "show|schema|reference", 1, 1, kOutputOptions, "Show the configuration in force.",
     kConfigDetails, false, run_config},
    {"sandboxes", "[list | create NAME | delete NAME ... | prune]", 0, kAnyNumber, kSandboxesOptions,
     "Manage persistent sandboxes.", kSandboxesDetails, true, run_sandboxes},
    {"cp", "SRC DST", 2, 2, kCpOptions, "Copy files to or from a sandbox.", kCpDetails, true, run_cp},
    {"version", "", 0, 0, {}, "Print the version.", "", false, run_version},
    {"help", "[COMMAND]", 0, 1, {}, "Explain the program or a command.", "", false, run_help},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(kCommands, name, &Command::name);
  return found == std::end(kCommands) ? nullptr : found;
}

}  // namespace rexec::app
