"""A proxy that leads the hosts of storage accounts to the emulator, for clients that can use a proxy but no other address."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

STORAGE = ".blob.core.windows.net"


class Tunnel:
    """Listens until the process ends. It knows one method, CONNECT, and refuses every other host: nothing leaves this machine."""

    def __init__(self, endpoint):
        self.endpoint = urlsplit(endpoint)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.connect, args=(client,), daemon=True).start()

    def connect(self, client):
        with client, contextlib.suppress(OSError):
            asked = client.makefile("rb", buffering=0)
            method, target, *_ = asked.readline().decode().split() or ("", "")
            while asked.readline().strip():
                pass
            if method != "CONNECT" or not target.rsplit(":", 1)[0].endswith(STORAGE):
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection((self.endpoint.hostname, self.endpoint.port)) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                copy(client, server)
                back.join()


def copy(source, sink):
    """Copies until the source ends, and ends the sink."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
