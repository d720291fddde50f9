"""start-oddly.py HOW PROGRAM ARGS...: becomes a program that is started as few are."""

import ctypes
import fcntl
import os
import shutil
import signal
import struct
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
elif how == "no-subreaper":
    # seccomp(2): EPERM for prctl(PR_SET_CHILD_SUBREAPER), as a strict filter of a container has it.
    NUMBER, FIRST_ARGUMENT, ALLOW, EPERM = 0, 16, 0x7FFF0000, 0x00050001
    PRCTL = {"x86_64": 157, "aarch64": 167}[os.uname().machine]
    LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
    steps = [
        (LOAD, 0, 0, NUMBER),
        (IF_EQUAL, 0, 3, PRCTL),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (IF_EQUAL, 0, 1, 36),
        (RETURN, 0, 0, EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program_of_filter = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None).prctl
    if prctl(38, 1, 0, 0, 0) != 0 or prctl(22, 2, program_of_filter, 0, 0) != 0:
        sys.exit("the filter was refused")
elif how == "environment":
    # Without a name, without a value, twice.
    variables = [b"PATH=" + os.environb[b"PATH"], b"NOVALUE", b"=noname", b"TWICE=1", b"TWICE=2", b"EMPTY="]
    words = [program.encode(), *(word.encode() for word in rest)]
    strings = lambda texts: (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
    ctypes.CDLL(None).execve(shutil.which(program).encode(), strings(words), strings(variables))

os.execvp(program, [program, *rest])
