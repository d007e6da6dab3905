"""The runner's protocol, written a second time from wire.h, and a client that the tests drive the binary with.

It shares no code with the server's codec on purpose: what both halves get wrong alike, only a third notices.
"""
import os
import select
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field

MAGIC = 0x31525852
MAX_DATA = 1 << 20
MAX_PAYLOAD = MAX_DATA * 2 + (64 << 10)

HELLO, PING, CANCEL, START, WAIT, READ_OUTPUT, WRITE_INPUT, SIGNAL, LIST = 1, 2, 3, 10, 11, 12, 13, 14, 15
STAT_FILE, READ_FILE, READ_LINES, WRITE_FILE, WRITE_DATA, SHUTDOWN, SET_LEASE = 20, 21, 22, 23, 24, 30, 31
EDIT_FILE, EDITED = 27, 155
HELLO_REPLY, PONG, DONE, ERROR = 129, 130, 131, 132
REPORT, OUTPUT, INPUT_REPORT, PROCESS_LIST = 140, 141, 142, 143
FILE_INFO, FILE_DATA, FILE_WRITTEN = 150, 151, 152

UNTIL_NONE, UNTIL_OUTPUT, UNTIL_EXIT = 0, 1, 2
RUNNING, EXITED, SIGNALED, TIMED_OUT, CANCELLED = 0, 1, 2, 3, 4
GROUP, TREE = 0, 1

# In front of a binary for another processor, e.g. qemu-aarch64.
EMULATOR = os.environ.get("REXEC_RUNNER_EMULATOR", "").split()

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}


def text(value):
    data = value.encode() if isinstance(value, str) else bytes(value)
    return struct.pack("<I", len(data)) + data


def texts(values):
    return struct.pack("<I", len(values)) + b"".join(text(value) for value in values)


def frame(kind, request, payload=b""):
    return struct.pack("<IBBHI", len(payload), kind, 0, 0, request) + payload


class Fields:
    """Takes a payload apart."""

    def __init__(self, payload):
        self.payload = payload
        self.at = 0

    def take(self, layout):
        values = struct.unpack_from("<" + layout, self.payload, self.at)
        self.at += struct.calcsize("<" + layout)
        return values[0] if len(values) == 1 else values

    def bytes(self):
        size = self.take("I")
        if self.at + size > len(self.payload):
            raise ValueError("a string beyond the end of the payload")
        value = self.payload[self.at:self.at + size]
        self.at += size
        return value

    def text(self):
        return self.bytes().decode("utf-8", "replace")

    def strings(self):
        return [self.text() for _ in range(self.take("I"))]

    def done(self):
        if self.at != len(self.payload):
            raise ValueError(f"{len(self.payload) - self.at} bytes left over")


class RunnerError(Exception):
    def __init__(self, number, step, message):
        super().__init__(f"[{step}] errno {number}: {message}")
        self.number = number
        self.step = step
        self.message = message


@dataclass
class Stream:
    start: int = 0
    produced: int = 0
    newlines: int = 0
    lost: int = 0
    end: bool = False
    head_offset: int = 0
    head: bytes = b""
    tail_offset: int = 0
    tail: bytes = b""


@dataclass
class Report:
    process: int = 0
    pid: int = 0
    status: int = 0
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    started_unix_ms: int = 0
    duration_us: int = 0
    deadline_ms: int = 0
    usage_known: bool = False
    cpu_us: int = 0
    max_rss: int = 0
    pipes_held: bool = False
    streams: list = field(default_factory=list)

    @property
    def out(self):
        return self.streams[0].head + self.streams[0].tail

    @property
    def err(self):
        return self.streams[1].head + self.streams[1].tail


@dataclass
class Entry:
    process: int
    pid: int
    ppid: int
    command: str
    status: int
    started_unix_ms: int
    cpu_us: int
    rss: int
    age_us: int


@dataclass
class FileInfo:
    type: int
    size: int
    mode: int
    modified_unix_ms: int
    target: str


@dataclass
class FileData:
    info: FileInfo
    offset: int
    data: bytes
    first_line: int
    lines: int
    total_lines: int
    cut_line_end: int
    probe: bytes


def parse_report(payload):
    fields = Fields(payload)
    report = Report(*fields.take("Qi B ii"), fields.text(), *fields.take("qQQ?QQ?"))
    for _ in range(2):
        stream = Stream(*fields.take("QQQQ?Q"), fields.bytes(), fields.take("Q"), fields.bytes())
        report.streams.append(stream)
    fields.done()
    return report


def parse_info(fields):
    return FileInfo(*fields.take("BQIq"), fields.text())


PARSERS = {}  # of further kinds of replies, from their fields


def parse(kind, payload):
    fields = Fields(payload)
    if kind == ERROR:
        raise RunnerError(fields.take("i"), fields.text(), fields.text())
    if kind in (PONG, DONE):
        value = None
    elif kind == HELLO_REPLY:
        value = dict(zip(("version", "boot_id", "pid", "uid", "gid"), fields.take("H16siII")))
        for name in ("home", "cwd", "machine", "kernel", "shell"):
            value[name] = fields.text()
        value["features"] = fields.strings()
    elif kind == REPORT:
        return parse_report(payload)
    elif kind == OUTPUT:
        value = dict(zip(("offset", "produced", "newlines_before", "end"), fields.take("QQQ?")))
        value["data"] = fields.bytes()
    elif kind == INPUT_REPORT:
        value = fields.take("Q?")
    elif kind == PROCESS_LIST:
        entries = []
        for _ in range(fields.take("I")):
            entries.append(Entry(*fields.take("Qii"), fields.text(), *fields.take("BqQQQ")))
        value = (entries, fields.take("?"))
    elif kind in PARSERS:
        value = PARSERS[kind](fields)
    elif kind == FILE_INFO:
        value = parse_info(fields)
    elif kind == FILE_DATA:
        info = parse_info(fields)
        value = FileData(info, fields.take("Q"), fields.bytes(), *fields.take("QQQQ"), fields.bytes())
    elif kind == FILE_WRITTEN:
        value = dict(zip(("path", "bytes", "created", "sha256"),
                         (fields.text(), *fields.take("Q?"), fields.text())))
    elif kind == EDITED:
        value = dict(zip(("path", "bytes", "replacements", "sha256", "diff", "diff_cut"),
                         (fields.text(), *fields.take("QQ"), fields.text(), fields.bytes(), fields.take("?"))))
    else:
        raise ValueError(f"unknown reply {kind}")
    fields.done()
    return value


def wait_spec(until=UNTIL_EXIT, wait_ms=60000, start=(0, 0), wanted=(True, True), head=MAX_DATA // 2,
              tail=MAX_DATA // 2):
    return struct.pack("<BQQQ??II", until, wait_ms, *start, *wanted, head, tail)


def start_payload(command="", argv=(), env=None, cwd="", nonce=None, stdin_pipe=False, close_after_input=False,
                  data=b"", timeout_ms=0, grace_ms=2000, writer="w", wait=None):
    environment = ENVIRONMENT if env is None else env
    return ((nonce or os.urandom(16)) + struct.pack("<??", stdin_pipe, close_after_input) + text(data) +
            text(command) + texts(argv) + texts([f"{name}={value}" for name, value in environment.items()]) +
            text(cwd) + struct.pack("<QQ", timeout_ms, grace_ms) + text(writer) +
            (wait_spec() if wait is None else wait))


class Client:
    """One connection. Requests may overlap: send() gives the id, receive(id) the answer."""

    def __init__(self, connection, greet=True):
        self.socket = connection
        self.socket.settimeout(60)
        self.buffer = bytearray()
        self.answers = {}
        self.next_id = 1
        self.greeting = None
        if greet:
            self.greeting = self.call(HELLO, struct.pack("<IHH", MAGIC, 1, 1) + text("test") + text(""))

    def send(self, kind, payload=b"", request=None):
        if request is None:
            request = self.next_id
            self.next_id += 1
        self.socket.sendall(frame(kind, request, payload))
        return request

    def receive(self, request):
        while request not in self.answers:
            kind, answered, payload = self.read_frame()
            if answered in self.answers:
                raise AssertionError(f"a second answer to {answered}")
            self.answers[answered] = (kind, payload)
        return parse(*self.answers.pop(request))

    def read_frame(self):
        header = self.read_exactly(12)
        length, kind, zero, zeros, request = struct.unpack("<IBBHI", header)
        if zero or zeros or length > MAX_PAYLOAD:
            raise AssertionError(f"a malformed frame header {header!r}")
        return kind, request, self.read_exactly(length)

    def read_exactly(self, size):
        while len(self.buffer) < size:
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise ConnectionError("the runner closed the connection")
            self.buffer += piece
        value = bytes(self.buffer[:size])
        del self.buffer[:size]
        return value

    def call(self, kind, payload=b""):
        return self.receive(self.send(kind, payload))

    def start(self, command="", **options):
        return self.send(START, start_payload(command, **options))

    def run(self, command="", **options):
        return self.receive(self.start(command, **options))

    def wait(self, process, **options):
        return self.call(WAIT, struct.pack("<Q", process) + wait_spec(**options))

    def read_output(self, process, stream, offset, size=MAX_DATA):
        return self.call(READ_OUTPUT, struct.pack("<QBQI", process, stream, offset, size))

    def write_input(self, process, data, offset, close=False, writer="w"):
        return self.send(WRITE_INPUT, struct.pack("<Q", process) + text(writer) + struct.pack("<Q", offset) +
                         text(data) + struct.pack("<?", close))

    def signal(self, process, number, scope=GROUP, kill_after_ms=0, reason=""):
        return self.call(SIGNAL, struct.pack("<QiBQ", process, number, scope, kill_after_ms) + text(reason))

    def list(self, everything=False):
        return self.call(LIST, struct.pack("<?", everything))

    def cancel(self, target, kill=False):
        self.send(CANCEL, struct.pack("<I?", target, kill), request=0)

    def stat(self, path, follow=True):
        return self.call(STAT_FILE, text(path) + struct.pack("<?", follow))

    def read_file(self, path, offset=0, size=MAX_DATA):
        return self.call(READ_FILE, text(path) + struct.pack("<QI", offset, size))

    def read_lines(self, path, start=1, lines=2000, size=MAX_DATA):
        return self.call(READ_LINES, text(path) + struct.pack("<qII", start, lines, size))

    def send_write(self, path, data, size=None, append=False, parents=False, mode=None, expect=""):
        size = len(data) if size is None else size
        first, rest = data[:MAX_DATA], data[MAX_DATA:]
        request = self.send(WRITE_FILE, text(path) + struct.pack("<Q??I?", size, append, parents, mode or 0,
                                                                 mode is not None) + text(expect) + text(first))
        while rest:
            first, rest = rest[:MAX_DATA], rest[MAX_DATA:]
            self.send(WRITE_DATA, text(first), request=request)
        return request

    def write_file(self, path, data, **options):
        return self.receive(self.send_write(path, data, **options))

    def send_edit(self, path, *edits, patch="", dry_run=False, nonce=None):
        return self.send(EDIT_FILE, (nonce or os.urandom(16)) + text(path) + struct.pack("<I", len(edits)) + b"".join(
            text(old) + text(new) + struct.pack("<?", bool(everywhere)) for old, new, *everywhere in edits) +
            text(patch) + struct.pack("<?", dry_run))

    def edit_file(self, path, *edits, **options):
        return self.receive(self.send_edit(path, *edits, **options))

    def readable(self, seconds):
        return bool(self.buffer) or bool(select.select([self.socket], [], [], seconds)[0])

    def closed_within(self, seconds=10):
        deadline = time.monotonic() + seconds
        while self.readable(max(0, deadline - time.monotonic())):
            if not self.socket.recv(1 << 20):
                return True
        return False

    def close(self):
        self.socket.close()


def own_namespace(binary, *arguments):
    """The command line that runs the binary as pid 1 of namespaces of its own, never among the host's processes."""
    return ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc", "--mount",
            *EMULATOR, binary, "serve", *arguments]


def children(pid):
    """Of a process that has one thread."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


class Runner:
    """A runner in namespaces of its own; `wrap` puts its command line into another wrapper. It listens at the path `listen`,
    or, beside its channel, at `visit`."""

    def __init__(self, binary, arguments=(), wrap=own_namespace, channel=True, listen=None, visit=None, env=None,
                 descriptors=()):
        arguments = list(arguments)
        descriptors = list(descriptors)
        self.client = None
        if channel:
            ours, theirs = socket.socketpair()
            descriptors.append(theirs.fileno())
            arguments += ["--channel-fd", str(theirs.fileno())]
        self.path = listen or visit
        self.clients = []
        listener = None
        if self.path:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.path)
            listener.listen(16)
            descriptors.append(listener.fileno())
            arguments += ["--listen-fd" if listen else "--visit-fd", str(listener.fileno())]
        self.process = subprocess.Popen(wrap(binary, *arguments), pass_fds=descriptors, stdin=subprocess.DEVNULL,
                                        env=env or dict(ENVIRONMENT))
        if listener:
            listener.close()
        if channel:
            theirs.close()
            try:
                self.client = Client(ours)
            except BaseException:
                ours.close()
                self.stop()
                raise

    def connect(self, greet=True):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        try:
            connection.connect(self.path)
            self.clients.append(Client(connection, greet))
        except OSError:
            connection.close()
            raise
        return self.clients[-1]

    def wait_for_end(self, seconds=10):
        return self.process.wait(seconds)

    def stop(self):
        for client in [self.client, *self.clients]:
            if client:
                client.close()
        # What the wrapper started ends, and then it does. Were it killed itself before its child asked to be killed
        # with it (--kill-child), that child would stay.
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            for child in children(self.process.pid):
                try:
                    os.kill(child, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.001)
        self.process.kill()
        self.process.wait()
