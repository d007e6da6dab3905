"""What real programs write to an 80 by 24 terminal, recorded while they are used."""
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

# How long a program may take to show what is waited for. Only a failure takes that long.
PATIENCE = 30

TEXT = "".join(f"line {number} of the file, with some words in it: äöü 漢字 {'x' * (number % 60)}\n"
               for number in range(1, 200))
CODE = '''#include <stdio.h>

/* A comment with "quotes" in it. */
int main(int argc, char **argv) {
\tfor (int i = 0; i < argc; ++i)
\t\tprintf("%d: %s\\n", i, argv[i]);
\treturn 0; // done
}
'''


class Recording:
    """A program in a pseudo-terminal of its own, in a folder with a few files."""

    def __init__(self, command, columns=80, rows=24, environment=None):
        self.folder = tempfile.mkdtemp(prefix="rexec-recording-")
        self.data = b""
        self.seen = 0
        for name, text in (("text.txt", TEXT), ("code.c", CODE)):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        variables = {"PATH": os.environ["PATH"], "HOME": self.folder, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
                     "TMPDIR": self.folder, "TMUX_TMPDIR": self.folder, "SHELL": "/bin/sh", **(environment or {})}
        self.variables = variables
        self.last_command = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(self.folder)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execvpe(command[0], command, variables)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self, seconds):
        """False at the end of output, None if there is none in time."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return None
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.data += data
        return bool(data)

    def until(self, text):
        """Reads until the program has written this, since the last call."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.data[self.seen:]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {text!r} in {self.data[self.seen:]!r}")
            if self._read(1) is False:
                raise RuntimeError(f"ended without {text!r}: {self.data[self.seen:]!r}")
        self.seen = len(self.data)
        return self

    def type(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.fd, data):]
        return self

    def pause(self):
        """Reads what comes until nothing has come for a moment. What a recording ends with does not matter."""
        while self._read(0.3):
            pass
        self.seen = len(self.data)
        return self

    def finally_run(self, command):
        """What ends the processes that outlive the program."""
        self.last_command = command
        return self

    def stop(self):
        """The recording so far. The program is ended."""
        if self.pid:
            if self.last_command:
                subprocess.run(self.last_command, env=self.variables, capture_output=True, timeout=PATIENCE, check=False)
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.close(self.fd)
            os.waitpid(self.pid, 0)
            self.pid = 0
            shutil.rmtree(self.folder, ignore_errors=True)
        return self.data


def vim(record):
    run = record(["vim", "-u", "NONE", "-i", "NONE", "-n", "--cmd", "set nocp ruler showcmd", "-c", "syntax on", "code.c"])
    run.until(b"done").type("Ohello world\x1b").pause().type("jdd:set number\r").pause().type("5ix\x1b:vsplit text.txt\r")
    return run.pause().type("\x06\x06\x02Gzz").pause().type("/words\rnn").pause()


def nano(record):
    run = record(["nano", "--ignorercfiles", "text.txt"])
    return run.until(b"Exit").type("some new text\r\r").pause().type("\x16\x16\x19").pause().type("\x0b\x0b\x15").pause()


def less(record):
    run = record(["less", "text.txt"], environment={"LESSHISTFILE": "-"})
    return run.until(b"text.txt").type("  b").pause().type("/line 9\rnn").pause().type("gGu").pause().type("-N\r").pause()


def less_with_colors(record):
    run = record(["sh", "-c", "ls -la --color=always / /etc | less -R"], environment={"LESSHISTFILE": "-"})
    return run.until(b":").type("jjj  k").pause()


def top(record):
    run = record(["top", "-d", "1"])
    return run.until(b"PID").pause().type("1M").pause().type("c").pause()


def htop(record):
    run = record(["htop", "-d", "20"])
    return run.until(b"PID").pause().type("\x1b[B\x1b[B").pause().type("\x1bOR").pause().type("sh\x1b").pause()


def midnight_commander(record):
    run = record(["mc", "--nosubshell", "-x"])
    run.until(b"Quit").type("\x1b[B\x1b[B\t").pause().type("\x1bOR").pause().type("\x1b[21~").pause()
    return run.type("\x1b[20~").pause().type("\x1b[B\x1b[B").pause()


def man(record):
    run = record(["man", "sh"], environment={"MANPAGER": "less", "LESSHISTFILE": "-", "GROFF_SGR": "1"})
    return run.pause().type("  dub").pause()


def python(record):
    run = record(["python3", "-q", "-i", "-c", "pass"], environment={"PYTHONSTARTUP": ""})
    run.until(b">>> ").type("for i in range(30): print('*' * i)\r\r").until(b">>> ").type("x = '" + "long " * 30 + "'\x01y")
    return run.pause().type("\x05\x7f\x7f\r").pause().type("help(abs)\r").pause()


def shell(record):
    run = record(["bash", "--norc", "--noprofile", "-i"], environment={"PS1": "\\[\\e[1;32m\\]\\w\\[\\e[0m\\]\\$ "})
    run.pause().type("echo " + "word " * 40 + "\x01\x1b[C\x1b[C\x0b\x19\r").pause()
    return run.type("ls --color=always -C /usr/bin | head -50\r").pause().type("\x10\x10\x12echo\x07\x0c").pause()


def tmux(record):
    run = record(["tmux", "-L", "rexec-inner", "-f", "/dev/null", "new-session", "sh"])
    run.finally_run(["tmux", "-L", "rexec-inner", "kill-server"])
    run.pause().type("seq 1 50\r").pause().type('\x02"').pause().type("\x02%").pause().type("ls /\r").pause()
    return run.type("\x02[\x1b[5~").pause().type("q\x02t").pause()


def git_add_patch(record):
    script = ("git init -q -b main . && git config user.email a@b && git config user.name n && git add . && "
              "git commit -q -m first && sed -i 's/done/finished/; 1i // new' code.c && git add -p")
    run = record(["sh", "-c", script], environment={"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1",
                                                    "GIT_CONFIG_KEY_0": "color.ui", "GIT_CONFIG_VALUE_0": "always"})
    return run.until(b"?]").type("s\r").pause().type("n\r").pause().type("?\r").pause()


def whiptail(record):
    run = record(["whiptail", "--title", "Title", "--menu", "Choose", "15", "60", "4", "a", "first", "b", "second", "c",
                  "third"])
    return run.until(b"Cancel").type("\x1b[B\x1b[B\t").pause()


def dialog(record):
    run = record(["dialog", "--title", "Title", "--checklist", "Choose", "15", "60", "4", "a", "first", "on", "b",
                  "second", "off"])
    return run.until(b"Cancel").type("\x1b[B \t").pause()


PROGRAMS = {"vim": vim, "nano": nano, "less": less, "less-r": less_with_colors, "top": top, "htop": htop,
            "mc": midnight_commander, "man": man, "python3": python, "bash": shell, "tmux": tmux, "git": git_add_patch,
            "whiptail": whiptail, "dialog": dialog}
NEEDS = {"less-r": "less"}


def is_installed(name):
    return shutil.which(NEEDS.get(name, name)) is not None
