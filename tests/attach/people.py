"""People at terminals: one whose keys and picture a test handles byte by byte, and one who sits in tmux."""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

PATIENCE = 20  # for anything; only a failure takes that long
TIOCGPTN = 0x80045430  # ioctl_tty(2); os.ptsname is newer than what this runs on
TMUX = shutil.which("tmux")


class Person:
    """Runs a command on a terminal of its own."""

    def __init__(self, command, environment, columns=80, rows=24):
        self.drawn = b""
        self.status = None
        self.pid, self.keyboard = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environment)
        # Kept open, so that the terminal outlives the command.
        number = struct.unpack("I", fcntl.ioctl(self.keyboard, TIOCGPTN, bytes(4)))[0]
        self.terminal = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
        self.resize(columns, rows)

    def resize(self, columns, rows):
        fcntl.ioctl(self.keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self):
        return termios.tcgetattr(self.terminal)[:4]

    def is_raw(self):
        return not self.modes()[3] & termios.ICANON

    def type(self, text):
        os.write(self.keyboard, text.encode())

    def sees(self, text, seconds=PATIENCE):
        """Reads what is drawn until the text is among it."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.drawn:
            if not select.select([self.keyboard], [], [], max(0, deadline - time.monotonic()))[0]:
                return False
            self.drawn += os.read(self.keyboard, 1 << 16)
        return True

    def look(self):
        while select.select([self.keyboard], [], [], 0)[0]:
            self.drawn += os.read(self.keyboard, 1 << 16)

    def wait(self, seconds=PATIENCE):
        """The exit status of the command, once it has ended; None when it goes on."""
        deadline = time.monotonic() + seconds
        while self.status is None:
            self.look()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                return None
            else:
                time.sleep(0.002)
        self.look()
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.keyboard)
        os.close(self.terminal)


class TmuxPerson:
    """The command runs in a pane of a tmux of its own, which shows afterwards with what status it ended."""

    def __init__(self, command, environment, columns=80, rows=24):
        self.folder = tempfile.mkdtemp(prefix="rexec-tmux-")
        self.environment = {**environment, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "TMUX_TMPDIR": self.folder,
                            "SHELL": "/bin/sh"}
        words = " ".join(f"'{word}'" for word in command)
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows),
                 f"echo before; stty -a >'{self.folder}/before'; {words}; echo status $?; "
                 f"stty -a >'{self.folder}/after'; exec cat >/dev/null", ";",
                 "set-option", "-g", "status", "off")

    def run(self, *arguments):
        finished = subprocess.run([TMUX, "-L", "rexec", "-f", "/dev/null", *arguments], env=self.environment,
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
        if finished.returncode != 0:
            raise RuntimeError(f"tmux {' '.join(arguments)}: {finished.stderr}")
        return finished.stdout

    def resize(self, columns, rows):
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    def keys(self, *names):
        self.run("send-keys", *names)

    def screen(self):
        return self.run("capture-pane", "-p")

    def sees(self, pattern):
        """Whether the screen matches, sooner or later."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.screen(), re.MULTILINE):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def modes(self):
        """Of the terminal before and after the command, without its size."""
        found = []
        for name in ("before", "after"):
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                found.append(re.sub(r"rows \d+; columns \d+;", "", file.read()))
        return found

    def close(self):
        try:
            self.run("kill-server")
        except RuntimeError:
            pass
        shutil.rmtree(self.folder, ignore_errors=True)
