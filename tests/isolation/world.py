"""What there is to lose outside of a sandbox. Everything holds a word of its own, so that one that turns up in an
answer says where it came from."""
import os
import secrets
import shutil
import socket
import subprocess
import threading

PLACES = ["/root", "/home", "/var/lib", "/var/tmp", "/run", "/tmp", "/dev/shm", "/srv", "/mnt"]


def scratch_of(run):
    return f"/tmp/rexec-isolation-{run}"


def baits_of(run):
    return [f"{place}/rexec-bait-{run}" for place in PLACES]


def remove_all(run):
    """Also what a battery could not remove because it was killed."""
    for folder in [scratch_of(run), *baits_of(run)]:
        shutil.rmtree(folder, ignore_errors=True)


class World:
    def __init__(self, attacks, run):
        """`run`: a word that belongs to this run of the battery."""
        self.attacks = attacks
        self.scratch = scratch_of(run)
        os.mkdir(self.scratch, 0o755)
        self.home = self._folder("home", 0o700)
        self._words = {}
        self._leaks = set()
        self._lock = threading.Lock()
        self._files = {}
        self._holders = []
        self.baits = [self._bait(os.path.join(self.home, ".ssh"))]
        for folder in baits_of(run):
            if os.access(os.path.dirname(folder), os.W_OK):
                self.baits.append(self._bait(folder))
        self._open = [os.open(self.baits[0], os.O_RDWR), os.open("/", os.O_RDONLY | os.O_DIRECTORY)]
        self.sockets = Sockets(self)
        self._open.append(os.dup(self.sockets.spare.fileno()))
        self.shared_memory_key = str(secrets.randbelow(1 << 30) + 1)
        self._hold("hold-shared-memory", self.shared_memory_key, self.word("System V shared memory"))
        self.key_name = f"rexec-{self.word('the name of a key')}"
        self._before = self._look()

    def _folder(self, name, mode):
        path = os.path.join(self.scratch, name)
        os.mkdir(path, mode)
        return path

    def _bait(self, folder):
        os.makedirs(folder, mode=0o755)
        path = os.path.join(folder, "secret")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.word(path) + "\n")
        self._files[path] = None
        return path

    def _hold(self, *arguments):
        holder = subprocess.Popen([self.attacks, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdout.readline()
        self._holders.append(holder)

    def word(self, what):
        """A word that belongs to `what`, always the same."""
        for word, name in self._words.items():
            if name == what:
                return word
        word = "canary-" + secrets.token_hex(12)
        self._words[word] = what
        return word

    def heard(self, text):
        with self._lock:
            self._leaks.update(name for word, name in self._words.items() if word in text)

    def leaks(self):
        """What has been heard of since the last time."""
        with self._lock:
            leaks, self._leaks = self._leaks, set()
        return sorted(leaks | set(self.sockets.visitors()))

    def descriptors(self):
        """What a careless parent leaves open: a secret file, the root directory, a listening socket."""
        return list(self._open)

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "HOME": self.home, "SECRET_OF_THE_HOST": self.word("the environment"),
                **{name: os.environ[name] for name in os.environ if name.endswith("SAN_OPTIONS")}, **more}

    def session(self, terminal):
        """A command that runs the rest with a controlling terminal and a session keyring with a key."""
        return [self.attacks, "host", str(terminal), self.key_name, self.word("a key of the session")]

    def _look(self):
        seen = {}
        for path in self._files:
            try:
                status = os.lstat(path)
                with open(path, "rb") as file:
                    content = file.read()
                seen[path] = (content, status.st_mode, status.st_uid, status.st_ino, status.st_nlink,
                              sorted(os.listdir(os.path.dirname(path))))
            except OSError as error:
                seen[path] = str(error)
        return seen

    def changes(self):
        """Which files of the host are not as they were; they are, afterwards."""
        now = self._look()
        changed = [path for path in now if now[path] != self._before[path]]
        for path in changed:
            folder = os.path.dirname(path)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder, mode=0o755, exist_ok=True)
            with open(path, "wb") as file:
                file.write(self._before[path][0])
        if changed:
            self._before = self._look()
        return [f"changed: {path}" for path in changed]

    def close(self):
        self.sockets.close()
        for holder in self._holders:
            holder.stdin.close()
            holder.wait()
            holder.stdout.close()
        for fd in self._open:
            os.close(fd)


class Sockets:
    """Services of the host. Each greets with a word, and remembers that somebody came."""

    def __init__(self, world):
        self._visitors = set()
        self._settled = threading.Event()
        self._closing = False
        self._all = {}
        self.tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "a TCP service", world)
        self.port = self.tcp.getsockname()[1]
        self.spare = socket.create_server(("127.0.0.1", 0))
        self.abstract = f"rexec-isolation-{secrets.token_hex(8)}"
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.abstract, "an abstract socket", world)
        self.path = os.path.join(world.scratch, "service")
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, self.path, "a socket in the file system", world)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp_port = self.udp.getsockname()[1]
        self._serve(self.udp, "a UDP service", self._receive)

    def _receive(self):
        while self.udp.recvfrom(64)[0] == b"settle":
            self._settled.set()

    def _listen(self, family, kind, address, name, world):
        listener = socket.socket(family, kind)
        listener.bind(address)
        listener.listen(16)
        word = world.word(name)

        def visit():
            visitor = listener.accept()[0]
            visitor.sendall(word.encode() + b"\n")
            visitor.close()

        self._serve(listener, name, visit)
        return listener

    def _serve(self, listener, name, visit):
        def serve():
            while True:
                try:
                    visit()
                except OSError:
                    return
                if self._closing:
                    return
                self._visitors.add(f"{name} was reached")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self._all[name] = (listener, thread)

    def settle(self):
        """Returns when everything that was sent before has been seen: a datagram of its own comes back."""
        self._settled.clear()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"settle", ("127.0.0.1", self.udp_port))
        self._settled.wait(5)

    def visitors(self):
        seen, self._visitors = self._visitors, set()
        return seen

    def close(self):
        self._closing = True
        self.spare.close()
        for listener, thread in self._all.values():
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            thread.join(1)
            listener.close()
