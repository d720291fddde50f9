"""Runs a program on a pseudo terminal of its own and hangs it up when a line arrives on stdin.

Usage: hung-terminal.py FDS PROGRAM ARGS...   FDS: which of 0, 1, 2 are the terminal, such as 12; the others are /dev/null.
Prints "started PID", and once the program has ended "exited CODE" or "signaled NUMBER".
"""

import os
import subprocess
import sys

fds, *command = sys.argv[1:]
master, terminal = os.openpty()
streams = {
    name: terminal if number in fds else subprocess.DEVNULL
    for number, name in (("0", "stdin"), ("1", "stdout"), ("2", "stderr"))
}
child = subprocess.Popen(command, **streams)
os.close(terminal)
print("started", child.pid, flush=True)
sys.stdin.readline()
os.close(master)
print("hung up", flush=True)
code = child.wait()
print("signaled" if code < 0 else "exited", abs(code), flush=True)
