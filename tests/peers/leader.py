"""Become what a login shell is to a terminal, whose hang-up it hears of, and then the command that is given."""

import fcntl
import os
import signal
import sys
import termios

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606
