"""The requests that make a tree piece by piece, beside runner_protocol."""
import struct

from runner_protocol import text

MAKE_ENTRY = 28
WRITE_RANGE = 29
DIRECTORY, SYMLINK = 1, 2


def entry(path, kind=DIRECTORY, target="", attributes=False, mode=0, modified_ns=0):
    return text(path) + struct.pack("<B", kind) + text(target) + struct.pack("<?Iq", attributes, mode, modified_ns)


def part(path, data=b"", offset=0, begin=False, size=None, mode=None, modified_ns=None, follow=False):
    """`size` makes it the last part."""
    return (text(path) + struct.pack("<?Q", follow, offset) + text(data) +
            struct.pack("<??Q?I?q", begin, size is not None, size or 0, mode is not None, mode or 0,
                        modified_ns is not None, modified_ns or 0))
