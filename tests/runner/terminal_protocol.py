"""Requests about terminals, written a second time from wire_terminal.h."""
import os
import struct
from dataclasses import dataclass

import runner_protocol
from runner_protocol import ENVIRONMENT, MAX_DATA, text, texts

OPEN_TERMINAL, WAIT_TERMINAL, WRITE_TERMINAL, ANSWER_TERMINAL, RESIZE_TERMINAL = 32, 33, 34, 35, 36
CLOSE_TERMINAL, LIST_TERMINALS, PUT_CHECKPOINT, GET_CHECKPOINT = 37, 38, 39, 40
TERMINAL_REPORT, TERMINAL_LIST, CHECKPOINT = 160, 161, 162
NOW, OUTPUT, END = range(3)

WINDOW = 4 << 20
MAX_TERMINALS = 64
MAX_ENDED = 64
MAX_SIDE = 1000
MAX_ANSWER = 4096
MAX_CHECKPOINT = 1 << 20
CHECKPOINT_BUDGET = 32 << 20
TERMINAL_ENVIRONMENT = {**ENVIRONMENT, "TERM": "xterm-256color", "PS1": "$ "}


@dataclass
class TerminalReport:
    terminal: int
    pid: int
    status: int
    exit_code: int
    signal: int
    reason: str
    started_unix_ms: int
    duration_us: int
    cols: int
    rows: int
    echo_off: bool
    start: int
    produced: int
    lost: int
    end: bool
    offset: int
    data: bytes


@dataclass
class TerminalEntry:
    terminal: int
    pid: int
    command: str
    status: int
    exit_code: int
    signal: int
    cols: int
    rows: int
    produced: int
    started_unix_ms: int
    duration_us: int


def parse_report(fields):
    return TerminalReport(*fields.take("QiBii"), fields.text(), *fields.take("qQII?QQQ?Q"), fields.bytes())


def parse_entry(fields):
    return TerminalEntry(*fields.take("Qi"), fields.text(), *fields.take("BiiIIQqQ"))


runner_protocol.PARSERS.update({
    TERMINAL_REPORT: parse_report,
    TERMINAL_LIST: lambda fields: [parse_entry(fields) for _ in range(fields.take("I"))],
    CHECKPOINT: lambda fields: (fields.take("Q"), fields.bytes()),
})


def open_payload(command="", argv=(), env=None, cwd="", nonce=None, cols=80, rows=24, size=MAX_DATA):
    environment = TERMINAL_ENVIRONMENT if env is None else env
    return ((nonce or os.urandom(16)) + text(command) + texts(argv) +
            texts([f"{name}={value}" for name, value in environment.items()]) + text(cwd) +
            struct.pack("<III", cols, rows, size))


def wait_payload(terminal, start=0, until=NOW, wait_ms=60000, size=MAX_DATA):
    return struct.pack("<QQBQI", terminal, start, until, wait_ms, size)


class Terminals:
    """The terminals of a runner, by one client."""

    def __init__(self, client):
        self.client = client
        self.written = {}

    def open(self, command="", **options):
        return self.client.call(OPEN_TERMINAL, open_payload(command, **options))

    def send_wait(self, terminal, **options):
        return self.client.send(WAIT_TERMINAL, wait_payload(terminal, **options))

    def wait(self, terminal, **options):
        return self.client.receive(self.send_wait(terminal, **options))

    def send_write(self, terminal, data, offset=None, writer="w"):
        if offset is None:
            offset = self.written.get((terminal, writer), 0)
            self.written[terminal, writer] = offset + len(data)
        return self.client.send(WRITE_TERMINAL, struct.pack("<Q", terminal) + text(writer) +
                                struct.pack("<Q", offset) + text(data))

    def write(self, terminal, data, **options):
        return self.client.receive(self.send_write(terminal, data, **options))

    def answer(self, terminal, query_offset, data):
        return self.client.call(ANSWER_TERMINAL, struct.pack("<QQ", terminal, query_offset) + text(data))

    def resize(self, terminal, cols, rows):
        return self.client.call(RESIZE_TERMINAL, struct.pack("<QII", terminal, cols, rows))

    def close(self, terminal, grace_ms=2000):
        return self.client.call(CLOSE_TERMINAL, struct.pack("<QQ", terminal, grace_ms))

    def list(self):
        return self.client.call(LIST_TERMINALS)

    def put_checkpoint(self, terminal, offset, data):
        return self.client.call(PUT_CHECKPOINT, struct.pack("<QQ", terminal, offset) + text(data))

    def get_checkpoint(self, terminal):
        return self.client.call(GET_CHECKPOINT, struct.pack("<Q", terminal))

    def ended(self, terminal, **options):
        return self.wait(terminal, until=END, **options)

    def until(self, terminal, wanted, start=0):
        """The report whose data, from `start` on, has `wanted` in it."""
        at = start
        data = b""
        while True:
            report = self.wait(terminal, start=at, until=OUTPUT)
            data += report.data
            at = report.offset + len(report.data)
            if wanted in data:
                report.data = data
                return report
            if report.end and at >= report.produced:
                raise AssertionError(f"{wanted!r} did not come: {data[-2000:]!r}")
            if not report.data and report.status == runner_protocol.RUNNING and report.produced <= at:
                raise AssertionError(f"{wanted!r} did not come in time: {data[-2000:]!r}")
