"""Addresses nobody else uses: free ports, ports that refuse, and ports that never answer."""

import contextlib
import socket


def free_port():
    """A TCP port that was free a moment ago. The kernel picks odd ones here and even ones for
    outgoing connections, so that a clash is unlikely."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def refusing_port():
    """A port that is taken but not listened on: every connection is refused."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.contextmanager
def silent_port():
    """A port whose accept queue is full: the kernel drops every further SYN, so that a connect
    never ends."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
