"""Asks the nginx of this folder for as many pages as the argument says, over a few kept connections, one after another."""

import hashlib
import http.client
import socket
import sys


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("socket")


def main():
    requests = int(sys.argv[1])
    connections = [Connection("localhost") for _ in range(8)]
    digest = hashlib.sha256()
    for i in range(requests):
        connection = connections[i % len(connections)]
        path = "/list/" if i % 50 == 49 else f"/page{i * 7 % 40:02}.txt"
        connection.request("GET", path, headers={"Accept-Encoding": "gzip" if i % 3 == 0 else "identity"})
        answer = connection.getresponse()
        digest.update(b"%d" % answer.status + answer.read())
    print("answers", requests, digest.hexdigest())


main()
