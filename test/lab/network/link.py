"""Two ways to be called, both as root.

link.py forward A B    carries Ethernet frames between two interfaces of this namespace. Each line on standard input is
                       LOSS_AB LOSS_BA DELAY_MS: the parts of the frames, 0 to 1, that vanish on their way from A to B and
                       back, and how late the others are. It answers each line with one of its own.
link.py plain A...     has the kernel finish checksums before a frame leaves: what is carried here gets none later.
"""

import array
import fcntl
import heapq
import random
import select
import socket
import struct
import sys
import time

SIOCETHTOOL = 0x8946
# Of ethtool: checksums, scatter-gather, segmentation of TCP, of all, and its opposite.
SETTINGS = (0x17, 0x19, 0x1F, 0x24, 0x2C)
ETH_P_ALL = 3


def plain(names):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name in names:
            for setting in SETTINGS:
                value = array.array("B", struct.pack("II", setting, 0))
                request = struct.pack("16sP", name.encode(), value.buffer_info()[0])
                try:
                    fcntl.ioctl(control, SIOCETHTOOL, request)
                except OSError:
                    pass  # A kernel that does not know this one has nothing to switch off.


def opened(name):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    link.bind((name, 0))
    link.setblocking(False)
    return link


def forward(a, b):
    links = {opened(a): 0, opened(b): 1}
    sides = list(links)
    loss, delay = [0.0, 0.0], 0.0
    due, count = [], 0
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else None
        ready, _, _ = select.select([*sides, sys.stdin], [], [], wait)
        for source in ready:
            if source is sys.stdin:
                line = sys.stdin.readline()
                if line == "":
                    return
                there, back, late = map(float, line.split())
                loss, delay = [there, back], late / 1000
                print("ok", flush=True)
                continue
            frame, address = source.recvfrom(65536)
            side = links[source]
            if address[2] == socket.PACKET_OUTGOING or random.random() < loss[side]:
                continue
            count += 1
            heapq.heappush(due, (time.monotonic() + delay, count, sides[1 - side], frame))
        while due and due[0][0] <= time.monotonic():
            _, _, target, frame = heapq.heappop(due)
            try:
                target.send(frame)
            except OSError:
                pass


if sys.argv[1] == "plain":
    plain(sys.argv[2:])
else:
    forward(*sys.argv[2:])
