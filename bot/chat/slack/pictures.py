"""Pictures as files of Slack's: uploaded when they are new, shown by an image block, left out where Slack does not take them yet,
deleted when a card shows another one.

Nothing waits long for a picture: a message with its words alone is better than none.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from bot.chat.harmless import one_line
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.drawing import ALT, Drawn, draw
from bot.chat.views import Announcement, Card, Notice, Page, Picture, Reply, Text, View
from bot.errors import DeliveryError
from bot.telemetry import get_logger

__all__ = ["Pictures"]

log = get_logger(__name__)

# A card's file is deleted when the card shows another one, so that nothing else may show it: whether it is a card's, and ...
_Place = tuple[bool, str, str]  # ... incident and name
_Use = tuple[bool, str]  # ... digest

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

# A file is not ready when its upload is complete: Slack looks at it first, and until then says "invalid slack file"
# (slackapi/python-slack-sdk 1658, slackapi/slack-github-action 413).
NOT_YET = (0.3, 0.7, 1.5)  # seconds between two tries
REST = 60.0  # seconds without pictures after Slack did not take one
REMEMBERED = 500  # files


class Pictures:
    """Draws views and hands them to whoever sends, with their picture where Slack has it; `whole` as Audience has it."""

    def __init__(self, client: SlackClient, accounts: Accounts, whole: Text = ("the situation room",)) -> None:
        self._client, self._accounts, self._whole = client, accounts, whole
        self._files: OrderedDict[_Use, str] = OrderedDict()
        self._last: OrderedDict[_Place, Picture] = OrderedDict()  # what stands there
        self._resting_until = 0.0  # monotonic

    async def sent(self, view: View | Reply, send: Callable[[Drawn], Awaitable[T]]) -> T:
        """What `send` says of the drawn view. DeliveryErrors as it has them, but none for a picture."""
        await self._meet(view)
        shown, file = await self._shown(view)
        for pause in (*NOT_YET, None) if file else ():
            try:
                return await send(draw(shown, self._accounts.known, whole=self._whole, file=file))
            except Refused as error:
                if error.error != "invalid_blocks":
                    raise
                if pause is None:
                    self._rest(error)
                else:
                    await asyncio.sleep(pause)
        return await send(draw(view, self._accounts.known, whole=self._whole))

    def file_of(self, view: View) -> str:
        """The file that was made for its picture, or that of the one before, which it shows while there is no other."""
        if isinstance(view, Page | Announcement) or view.picture is None:
            return ""
        before = self._last.get(_place(view, view.picture), view.picture)
        return self._files.get(_use(view, view.picture)) or self._files.get(_use(view, before), "")

    async def discard(self, file: str) -> None:
        """Delete it. One that is gone is gone; one that Slack will not have deleted stays, and does no harm."""
        for use in [use for use, kept in self._files.items() if kept == file]:
            del self._files[use]
        try:
            await self._client.call("files.delete", file=file)
        except Refused as error:
            if error.error not in {"file_not_found", "file_deleted"}:
                log.warning("picture_not_deleted", file=file, reason=str(error))

    async def _meet(self, view: View | Reply) -> None:
        """Learn the accounts of whom it calls: only who is known can be mentioned."""
        for person in view.called if isinstance(view, Notice) else ():
            await self._accounts.account(person)

    async def _shown(self, view: View | Reply) -> tuple[View | Reply, str]:
        """The view with the picture that can be shown (the one before, where the new one cannot be had), and its file."""
        if isinstance(view, Page | Announcement) or view.picture is None or time.monotonic() < self._resting_until:
            return view, ""
        place = _place(view, view.picture)
        if file := await self._file(view, view.picture):
            _keep(self._last, place, view.picture.light)
            return view, file
        before = self._last.get(place)
        if before is None:
            return view, ""
        return msgspec.structs.replace(view, picture=before), self._files.get(_use(view, before), "")

    async def _file(self, view: View | Reply, picture: Picture) -> str:
        """Slack's id of it, "" where it cannot be had now; what is there already is not sent again."""
        if known := self._files.get(_use(view, picture)):
            return known
        if not picture.png:
            return ""
        alt = one_line(picture.alt, ALT)
        try:
            door = await self._client.call(
                "files.getUploadURLExternal", filename=picture.name, length=len(picture.png), alt_txt=alt
            )
            await self._client.upload(str(door["upload_url"]), picture.png)
            file = str(door["file_id"])
            title = f"{picture.incident} {picture.name}"
            await self._client.call("files.completeUploadExternal", files=[{"id": file, "title": title}])
        except Refused as error:
            self._rest(error)
            return ""
        except DeliveryError as error:
            log.info("picture_not_uploaded", incident=picture.incident, reason=str(error))
            return ""
        _keep(self._files, _use(view, picture), file)
        return file

    def _rest(self, error: Refused) -> None:
        log.warning("pictures_left_out", seconds=REST, reason=str(error))
        self._resting_until = time.monotonic() + REST


def _place(view: View | Reply, picture: Picture) -> _Place:
    return isinstance(view, Card), picture.incident, picture.name


def _use(view: View | Reply, picture: Picture) -> _Use:
    return isinstance(view, Card), picture.digest


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)
