"""tmux as a terminal to compare with: a server of its own, with one pane that shows what is fed to it."""
import os
import re
import shutil
import subprocess
import tempfile
import time

TMUX = shutil.which("tmux")
# How long tmux may take for anything. Only a failure takes that long.
PATIENCE = 30


def version():
    """(3, 3) for "tmux 3.3a", or None."""
    if not TMUX:
        return None
    text = subprocess.run([TMUX, "-V"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else None


class Captured:
    def __init__(self, lines, history, row, column, title, alternate):
        self.lines = lines
        self.history = history
        self.row = row
        self.column = column
        self.title = title
        self.alternate = alternate


class TmuxTerminal:
    """What is written to feed() reaches the parser of tmux as it is: the pane's terminal is raw, and the program in it
    copies a named pipe to it."""

    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.folder = tempfile.mkdtemp(prefix="rexec-tmux-")
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
                            "HOME": self.folder, "TMUX_TMPDIR": self.folder, "SHELL": "/bin/sh"}
        self.pipe = os.path.join(self.folder, "pipe")
        self.count = 0
        os.mkfifo(self.pipe)
        self.writer = None
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        self.run("new-session", "-d", "-x", str(self.columns), "-y", str(self.rows),
                 "stty raw -echo; exec cat " + self.pipe)
        for option, value in (("status", "off"), ("scroll-on-clear", "off"), ("allow-rename", "off"),
                              ("remain-on-exit", "on"), ("window-size", "manual")):
            self.run("set-option", "-g", option, value)
        self.run("resize-window", "-x", str(self.columns), "-y", str(self.rows))
        self.writer = os.open(self.pipe, os.O_WRONLY)

    def run(self, *arguments):
        command = [TMUX, "-L", "rexec", "-f", "/dev/null", *arguments]
        finished = subprocess.run(command, env=self.environment, capture_output=True, timeout=PATIENCE, check=False)
        if finished.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {finished.stderr.decode(errors='replace')}")
        return finished.stdout.decode("utf-8", "replace")

    def stop(self):
        if self.writer is not None:
            os.close(self.writer)
        try:
            self.run("kill-server")
        except RuntimeError:
            pass  # it ends by itself when the pane does
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, data):
        while data:
            data = data[os.write(self.writer, data):]

    def _settle(self):
        """Waits until everything fed has been parsed: a title is set behind it."""
        self.count += 1
        marker = f"settled-{self.count}"
        self._write(f"\x1b]2;{marker}\x1b\\".encode())
        deadline = time.monotonic() + PATIENCE
        while self.run("display-message", "-p", "#{pane_title}").strip() != marker:
            if time.monotonic() > deadline:
                raise RuntimeError("tmux did not show what it was given")

    def clear(self, title=""):
        """As a new terminal is."""
        self._write(b"\x18\x1b[?1049l\x1b[?9;1000;1002;1003;1004;1005;1006;2004l\x1bc\x1b]2;" + title.encode() + b"\x1b\\")
        self._settle()
        self.run("clear-history")

    def feed(self, data):
        """Shows the bytes, which must not end within a sequence."""
        self._write(b"\x1b]2;\x1b\\" + data + b"\x1b[22;2t")
        self._settle()
        self._write(b"\x1b[23;2t")
        marker = f"settled-{self.count}"
        deadline = time.monotonic() + PATIENCE
        while self.run("display-message", "-p", "#{pane_title}").strip() == marker:
            if time.monotonic() > deadline:
                raise RuntimeError("tmux did not restore the title")

    def resize(self, columns, rows):
        self.run("resize-window", "-x", str(columns), "-y", str(rows))
        self._settle()

    def capture(self):
        where = "#{cursor_y} #{cursor_x} #{alternate_on} #{pane_title}"
        row, column, alternate, title = self.run("display-message", "-p", where).rstrip("\n").split(" ", 3)
        lines = self.run("capture-pane", "-p", "-e").split("\n")[:-1]
        history = self.run("capture-pane", "-p", "-e", "-S", "-", "-E", "-1").split("\n")[:-1]
        has_history = int(self.run("display-message", "-p", "#{history_size}")) > 0
        return Captured(lines, history if has_history else [], int(row), int(column), title, alternate == "1")
