"""What an incident's room is like, and what it is told of that."""

from __future__ import annotations

from bot.catalog.catalog import Catalog
from bot.catalog.model import Rooms, Service
from bot.storage import tables
from tests.incidents.test_pipeline import alert
from tests.world import MIKA, world

VAULT = Catalog(
    services={"vault": Service(id="vault", private=True), "checkout": Service(id="checkout", depends_on=("vault",))}
)


async def test_an_incident_that_begins_on_a_private_service_is_private(database_url: str) -> None:
    async with world(database_url, catalog=VAULT) as w:
        await w.post(alert(service="vault"))
        await w.settle()
        assert [incident.private for incident in await w.all_incidents()] == [True]


async def test_an_incident_that_begins_as_a_private_severity_is_private(database_url: str) -> None:
    catalog = Catalog(rooms=Rooms(private=("SEV1", "SEV2", "SEV3", "SEV4")))
    async with world(database_url, catalog=catalog) as w:
        await w.post(alert())
        await w.settle()
        assert [incident.private for incident in await w.all_incidents()] == [True]


async def test_a_private_service_that_joins_a_public_room_is_told_and_can_leave_it(database_url: str) -> None:
    async with world(database_url, catalog=VAULT) as w:
        await w.post(alert(service="checkout", host="checkout-1"))
        await w.settle()
        await w.post(alert(service="vault", host="vault-1", name="VaultErrors"))
        await w.settle()
        [incident] = await w.all_incidents()
        assert not incident.private
        assert [name for name, _ in incident.services] == ["checkout", "vault"]
        [told] = [words for words in await w.said() if "should be private" in words]
        assert "/incident split" in told
        [vault] = [row.id for row in await w.rows(tables.alerts) if row.service == "vault"]
        assert (await w.incidents.split(1, [vault], MIKA)).private


async def test_a_private_incident_that_is_merged_into_a_public_one_is_told_there(database_url: str) -> None:
    async with world(database_url) as w:
        await w.incidents.declare("search is slow", MIKA)
        await w.incidents.declare("keys were found on a forum", MIKA, private=True)
        await w.incidents.merge(1, 2, MIKA)
        await w.settle()
        assert [words for words in await w.said() if "INC-2 should be private" in words]
