"""The process that draws: pictures are asked for on its standard input and answered on its standard output, until that ends.

It is started by bot.incidents.drawing_process. Nothing else imports it, for it imports the library that draws; an error ends it.
"""

from __future__ import annotations

import os
import signal

import matplotlib as mpl
import msgspec

from bot.child import serve
from bot.incidents.drawing import draw
from bot.incidents.drawing_process import LIMIT, Wanted

NICE = 10  # of 19: alerts and people first

_decode = msgspec.msgpack.Decoder(Wanted).decode


def picture(message: bytes) -> bytes:
    """What is wanted, as PNG."""
    wanted = _decode(message)
    signal.alarm(int(LIMIT) + 1)  # ends a drawing that hangs, also when nobody is left to do so
    png = draw(wanted.sketch, wanted.zone, wanted.theme)
    signal.alarm(0)
    return png


def main() -> None:
    """Draw until nobody asks any more, which is also when whoever asked is killed."""
    os.nice(NICE)
    mpl.rcdefaults()  # the same everywhere, whatever a matplotlibrc says
    serve(picture)


if __name__ == "__main__":
    main()
