"""The process that draws: pictures are asked for on its standard input and answered on its standard output, until that ends.

It is started by bot.incidents.drawing_process. Nothing else imports it, for it imports the library that draws; an error ends it.
"""

from __future__ import annotations

import os
import signal
import sys

import matplotlib as mpl
import msgspec

from bot.incidents.drawing import draw
from bot.incidents.drawing_process import LENGTH, LIMIT, Wanted

NICE = 10  # of 19: alerts and people first


def main() -> None:
    """Draw until nobody asks any more, which is also when whoever asked is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, meant for Muster, which ends this
    os.nice(NICE)
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    mpl.rcdefaults()  # the same everywhere, whatever a matplotlibrc says
    decoder = msgspec.msgpack.Decoder(Wanted)
    while length := asked.read(LENGTH):
        wanted = decoder.decode(asked.read(int.from_bytes(length)))
        signal.alarm(int(LIMIT) + 1)  # ends a drawing that hangs, also when nobody is left to do so
        png = draw(wanted.sketch, wanted.zone, wanted.theme)
        signal.alarm(0)
        answers.write(len(png).to_bytes(LENGTH) + png)
        answers.flush()


if __name__ == "__main__":
    main()
