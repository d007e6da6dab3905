"""The model under test, by rexec-screen-dump."""
import os
import subprocess

BINARY = os.environ.get("REXEC_SCREEN_DUMP", "rexec-screen-dump")


class Shown:
    def __init__(self, output):
        head, self.title, count, *lines = output.split("\n")
        self.row, self.column, self.columns, self.rows, alternate = (int(word) for word in head.split())
        self.alternate = alternate == 1
        self.history = lines[:int(count)]
        self.lines = lines[int(count):int(count) + self.rows]


def show(data, columns=80, rows=24, resizes=(), piece=None):
    arguments = [BINARY, "--scrollback", "--size", f"{columns}x{rows}"]
    if piece:
        arguments += ["--piece", str(piece)]
    for size in resizes:
        arguments += ["--resize", f"{size[0]}x{size[1]}"]
    finished = subprocess.run(arguments, input=data, capture_output=True, check=True)
    return Shown(finished.stdout.decode("utf-8"))
