"""The engine's process: reads requests from its standard input, answers on its standard output, ends when nobody asks any more."""

from __future__ import annotations

import gc
import os
import signal
from typing import BinaryIO

from bot.engine.messages import LENGTH, decode_request, encode
from bot.engine.worker import Worker


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there is nothing more to read: whoever asked has closed its end, or is dead."""
    worker = Worker()
    while len(head := requests.read(LENGTH)) == LENGTH:
        size = int.from_bytes(head, "big")
        message = requests.read(size)
        if len(message) < size:
            return
        reply = encode(worker.do(decode_request(message)))
        answers.write(len(reply).to_bytes(LENGTH, "big"))
        answers.write(reply)
        answers.flush()


def main() -> None:
    """Who stops Muster stops what asks; the engine is still needed then, for its last snapshot."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "wb") as answers, os.fdopen(0, "rb", closefd=False) as requests:
        os.dup2(2, 1)  # what is printed by mistake is no answer
        gc.freeze()  # what was imported lives as long as the process
        gc.set_threshold(50_000, 20, 50)  # as bot.cli, for the same reason
        try:
            serve(requests, answers)
        except BrokenPipeError:  # whoever asked is dead, and so is the answer: nothing is left to be written
            os._exit(0)


if __name__ == "__main__":
    main()
