"""Services of the host and of its network."""
from harness import attacks, case

GREET = "import socket\n"


def greet(at, address):
    """Connects to a socket of this machine that has a name or a path."""
    at.python(f"{GREET}s = socket.socket(socket.AF_UNIX)\ns.connect({address!r})\nprint(s.recv(99))")


@case(lost="services that trust whoever is on the machine: databases, editors, other assistants' servers")
def tcp_service_of_the_host(at):
    for address in ("127.0.0.1", "0.0.0.0", "localhost"):
        at.python(f"{GREET}print(socket.create_connection(('{address}', {at.world.sockets.port}), 2).recv(99))")


@case(lost="the same, for services without connections")
def udp_service_of_the_host(at):
    at.python(f"{GREET}socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', "
              f"{at.world.sockets.udp_port}))")
    at.world.sockets.settle()


@case(lost="the desktop: D-Bus, X11 and whatever else listens without a file")
def abstract_socket_of_the_host(at):
    greet(at, "\0" + at.world.sockets.abstract)
    at.run("cat /proc/net/unix | grep -a rexec-isolation")


@case(lost="Docker, agents with keys, databases: each of them is as good as root")
def socket_file_of_the_host(at):
    path = at.world.sockets.path
    greet(at, path)
    greet(at, f"/proc/{at.outsider}/root{path}")


@case(lost="whatever listens on the host under a port that the sandbox wants too")
def port_of_the_host_taken(at):
    ran = at.python(f"{GREET}socket.socket().bind(('127.0.0.1', {at.world.sockets.port}))")
    return "in use" in ran.output and "the port is taken, so this is the host's network"


@case(lost="the person's network, and everybody's",
      outside=None, unproven="a machine that runs tests may have no network either")
def route_to_elsewhere(at):
    ran = at.python(f"{GREET}s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                    "s.connect(('192.0.2.1', 53))\nprint('a route')")
    devices = at.run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '").output.split()
    return "a route" in ran.output and "there is a route" or [name for name in devices if name != "lo"]


attacks("raw sockets", "the network below all its rules",
        ["socket 2 3 1", "socket 2 3 255", "socket 17 3 768", "socket 44 3 0"], outside="root", group=__name__)
attacks("families of sockets", "the hypervisor, and protocols that nobody looks after",
        ["socket 40 1 0", "socket 38 5 0", "socket 30 1 0", "socket 29 3 1", "socket 21 5 0", "socket 31 3 1"],
        group=__name__)
attacks("devices of the network", "the host's network, by its settings", ["network-device"], outside="namespace",
        group=__name__)
