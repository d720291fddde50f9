"""start-oddly.py HOW PROGRAM ARGS...: becomes a program that is started as few are."""

import ctypes
import fcntl
import os
import shutil
import signal
import sys

how, program, *rest = sys.argv[1:]

if how == "full-stderr":
    # A pipe that does not block, is full, and is read by nobody.
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.dup2(writer, 2)
elif how == "ignoring-children":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
elif how == "environment":
    # Without a name, without a value, twice.
    variables = [b"PATH=" + os.environb[b"PATH"], b"NOVALUE", b"=noname", b"TWICE=1", b"TWICE=2", b"EMPTY="]
    words = [program.encode(), *(word.encode() for word in rest)]
    strings = lambda texts: (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
    ctypes.CDLL(None).execve(shutil.which(program).encode(), strings(words), strings(variables))

os.execvp(program, [program, *rest])
