"""The engine's process, which bot.engine.host starts: answers what it is asked until nobody asks any more."""

from __future__ import annotations

import signal

from bot.child import serve
from bot.engine.messages import decode_request, encode
from bot.engine.worker import Worker
from bot.garbage import collect_seldom


def main() -> None:
    """Who stops Muster stops what asks; the engine is still needed then, for its last snapshot."""
    collect_seldom()
    worker = Worker()
    serve(
        lambda message: encode(worker.do(decode_request(message))),
        deaf_to=(signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    )


if __name__ == "__main__":
    main()
