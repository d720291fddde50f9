"""Runs a program with a terminal that has hung up as its standard streams: closed-terminal.py PROGRAM ARGS..."""

import os
import sys

master, terminal = os.openpty()
for stream in (0, 1, 2):
    os.dup2(terminal, stream)
os.close(terminal)
os.close(master)
os.execvp(sys.argv[1], sys.argv[1:])
