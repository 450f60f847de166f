"""The cluster's DNS: it resolves one name, that of the emulator of Azure."""

import socket

AZURE = "azure.test"
A = 1


def serve(address):
    """Answers on port 53 of this address, as long as the process lives."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            query, client = server.recvfrom(512)
            server.sendto(answer(query, address), client)


def answer(query, address):
    """Of the format see RFC 1035, section 4."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    question = query[12 : at + 5]
    kind = int.from_bytes(query[at + 1 : at + 3], "big")
    known = ".".join(labels) == AZURE
    records = b""
    if known and kind == A:
        # A pointer to the question's name; type A, class IN, 5 s to live, 4 bytes.
        records = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04" + socket.inet_aton(address)
    # An authoritative answer with recursion; NXDOMAIN for what is unknown.
    flags = 0x8580 if known else 0x8583
    counts = (1, 1 if records else 0, 0, 0)
    return query[:2] + flags.to_bytes(2, "big") + b"".join(count.to_bytes(2, "big") for count in counts) + question + records
