"""Rules about the sources that no compiler checks. Each takes the text of one file and yields (line, problem).

The table of layers is the one of docs/DESIGN.md: who may include whom.
"""
import os
import re

MAX_LINES = 500

# Layer of a path: the longest prefix wins.
LAYERS = {
    "base/": "base",
    "mcp/": "mcp",
    "transport/": "transport",
    "sandbox-client/": "sandbox-client",
    "sandbox-client/runner/": "runner",
    "sandbox-client/local/": "local",
    "sandbox-client/terminal/": "terminal",
    "tools/": "tools",
    "app/": "app",
    "tests/": "tests",
    "examples/": "examples",
}

# Who may include whom, besides itself.
MAY_INCLUDE = {
    "base": set(),
    "mcp": {"base"},
    "transport": {"base", "mcp"},
    "sandbox-client": {"base", "terminal"},
    "runner": set(),
    "terminal": {"base"},
    "local": {"base", "sandbox-client"},
    "tools": {"base", "mcp", "sandbox-client", "terminal"},
    "app": {"base", "mcp", "transport", "sandbox-client", "local", "terminal", "tools"},
    "tests": set(LAYERS.values()),
    "examples": set(LAYERS.values()),
}

# The wire format belongs to both halves of a channel.
SHARED_HEADERS = {
    "sandbox-client": {"sandbox-client/runner/wire.h", "sandbox-client/runner/wire_edit.h",
                       "sandbox-client/runner/wire_terminal.h", "sandbox-client/runner/wire_transfer.h",
                       "sandbox-client/runner/wire_tree.h", "sandbox-client/runner/codec.h"},
}

# Third-party headers, and the paths that may see them.
CONFINED = {
    r"openssl/": ("base/encoding.cc", "base/random.cc"),
    r"nlohmann/": ("base/json.h",),
    r"re2/": ("mcp/schema", "tools/", "sandbox-client/runner/", "tests/unit/runner_"),
    r"seccomp\.h": ("sandbox-client/local/", "tests/unit/local_"),
    r"catch2/": ("tests/support/catch.h",),
    r"httplib\.h": (),
    r"boost/": (),
}

QUOTED_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
ANGLE_INCLUDE = re.compile(r"^\s*#\s*include\s+<([^>]+)>")
VERSION_LITERAL = re.compile(r'"[^"]*\b20(24|25|26)-(0[1-9]|1[0-2])-[0-3][0-9]\b[^"]*"')
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
# Spelt in two parts, since these rules are read by themselves.
MARKER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
RAW_JSON = re.compile(r"\.dump\s*\(|\bJson::parse\s*\(")
COMMENT = re.compile(r"^\s*//|\s//\s")


def layer_of(path):
    prefixes = [prefix for prefix in LAYERS if path.startswith(prefix)]
    return LAYERS[max(prefixes, key=len)] if prefixes else None


def code_of(line):
    """The line without its trailing comment. A comment sign inside a string is preceded by a colon: "http://"."""
    match = COMMENT.search(line)
    return line[: match.start()] if match else line


def include_direction(path, lines):
    layer = layer_of(path)
    for number, line in enumerate(lines, 1):
        match = QUOTED_INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1)
        other = layer_of(header)
        if other is None:
            yield number, f'"{header}" does not name a layer; include by path from the root'
        elif other != layer and other not in MAY_INCLUDE[layer] and header not in SHARED_HEADERS.get(layer, ()):
            yield number, f'{layer} must not include {other} ("{header}")'


def third_party(path, lines):
    for number, line in enumerate(lines, 1):
        match = ANGLE_INCLUDE.match(line)
        if not match:
            continue
        for header, rooms in CONFINED.items():
            if re.match(header, match.group(1)) and not path.startswith(rooms or ("\0",)):
                yield number, f"<{match.group(1)}> is confined to {', '.join(rooms) or 'no file of this version'}"


def length(_path, lines):
    if len(lines) > MAX_LINES:
        yield len(lines), f"{len(lines)} lines; more than {MAX_LINES} are two ideas in one file"


def protocol_version(path, lines):
    if path.startswith("tests/") or path.startswith("mcp/protocol_version."):
        return
    for number, line in enumerate(lines, 1):
        if VERSION_LITERAL.search(code_of(line)):
            yield number, "only mcp/protocol_version spells a protocol version"


def sleeps(path, lines):
    # What waits for a condition sleeps between two looks; programs under test do as they like.
    if not path.startswith("tests/") or path.startswith(("tests/support/", "tests/programs/")):
        return
    for number, line in enumerate(lines, 1):
        without_strings = re.sub(r'"(\\.|[^"\\])*"', '""', code_of(line))
        if SLEEP.search(without_strings):
            yield number, "a test waits for a condition, it does not sleep"


def markers(_path, lines):
    for number, line in enumerate(lines, 1):
        if MARKER.search(line):
            yield number, "left-over marker"


def raw_json(path, lines):
    if path.startswith(("base/json.", "tests/")):
        return
    for number, line in enumerate(lines, 1):
        if RAW_JSON.search(code_of(line)):
            yield number, "JSON is read and written through base/json.h, which bounds and never throws"


RULES = [include_direction, third_party, length, protocol_version, sleeps, markers, raw_json]


def problems_of(path, text):
    lines = text.splitlines()
    return [f"{path}:{line}: {problem}" for rule in RULES for line, problem in rule(path, lines)]


def source_files(root):
    """C++ sources of the project, by path from the root."""
    for top in sorted({prefix.split("/")[0] for prefix in LAYERS}):
        for folder, folders, files in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if f not in ("node_modules", ".venv", "build"))
            for name in sorted(files):
                if name.endswith((".h", ".cc")):
                    yield os.path.relpath(os.path.join(folder, name), root)
