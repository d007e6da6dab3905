"""Requests about trees, written a second time from wire_tree.h."""
import struct
from dataclasses import dataclass

import runner_protocol
from runner_protocol import FileInfo, text

LIST_FILES, SEARCH_FILES, LISTING, MATCHES = 25, 26, 153, 154
COMPLETE, LIMIT, SIZE, TIME = range(4)


@dataclass
class Listing:
    entries: list
    stopped: int
    next: bytes
    unreadable: int
    too_deep: int

    @property
    def paths(self):
        return [path for path, _ in self.entries]


@dataclass
class Match:
    path: bytes
    line: int
    text: bytes
    cut_before: bool
    cut_after: bool
    before: list
    after: list


@dataclass
class SearchResult:
    matches: list
    stopped: int
    files: int
    binary: int
    long_lines: int
    unreadable: int
    too_deep: int

    @property
    def places(self):
        return [(match.path, match.line) for match in self.matches]


def parse_raw_info(fields):
    return FileInfo(*fields.take("BQIq"), fields.bytes())


def parse_listing(fields):
    entries = [(fields.bytes(), parse_raw_info(fields)) for _ in range(fields.take("I"))]
    return Listing(entries, fields.take("B"), fields.bytes(), *fields.take("QQ"))


def parse_lines(fields):
    return [fields.bytes() for _ in range(fields.take("I"))]


def parse_match(fields):
    return Match(fields.bytes(), fields.take("Q"), fields.bytes(), *fields.take("??"), parse_lines(fields),
                 parse_lines(fields))


def parse_matches(fields):
    matches = [parse_match(fields) for _ in range(fields.take("I"))]
    return SearchResult(matches, *fields.take("BQQQQQ"))


runner_protocol.PARSERS.update({LISTING: parse_listing, MATCHES: parse_matches})


def list_payload(path, glob="", depth=1, hidden=False, limit=500, after=b"", max_ms=20000):
    return text(path) + text(glob) + struct.pack("<I?I", depth, hidden, limit) + text(after) + struct.pack("<Q", max_ms)


def search_payload(path, pattern, glob="", ignore_case=False, context_lines=0, limit=100, max_ms=30000):
    return (text(path) + text(pattern) + text(glob) +
            struct.pack("<?IIQ", ignore_case, context_lines, limit, max_ms))
