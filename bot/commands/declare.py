"""`declare`: an incident without an alert."""

from __future__ import annotations

from bot.catalog.catalog import Catalog
from bot.chat.views import Code, Reply, Text
from bot.commands.definition import Argument, Context, Family, Kind, Verb
from bot.commands.words import answer, headline, listed
from bot.errors import BadArguments
from bot.incidents.model import Incident
from bot.responders.escalation import policy_of, wakes
from bot.responders.recipients import UNRANKED

__all__ = ["VERB"]


NAMED = 5  # services that one title names


async def declare(context: Context) -> Reply:
    """Open the room, invite the one who declares, and page whoever is on call where the severity is worth waking people for."""
    values, catalog = context.values, context.services.catalog()
    title, severity = values.text("title"), values.severity("severity") or "SEV3"
    if values.flag("page") and values.flag("nopage"):
        raise BadArguments("Either page or nopage, not both: /incident declare payments down sev1 --nopage")
    services = _named(catalog, title, values.text("service"))
    policy = policy_of(catalog, services[0] if services else "")
    page = values.flag("page") or (wakes(policy, severity) and not values.flag("nopage"))
    private = values.flag("private") or catalog.is_private(services, severity)
    incident = await context.services.incidents.declare(
        title, context.actor, severity=severity, private=private, page=page, services=services
    )
    details = [*_services(services, given=bool(values.text("service"))), *_paging(incident, services, page=page)]
    if private:
        details.append(
            ("Private: on chat platforms by invitation only. The situation room shows it to all who may open it.",)
        )
    return answer("Declared ", *headline(incident), ". Its room opens now.", details=details)


def _named(catalog: Catalog, title: str, given: str) -> list[str]:
    """The service that was given, else those of the catalogue whose names stand in the title; the most important first."""
    if given:
        return [given]
    words = {word.strip(".,:;!?()\"'").casefold() for word in title.split()}
    found = [service for name, service in catalog.services.items() if name.casefold() in words]
    found.sort(key=lambda service: UNRANKED if service.tier is None else service.tier)
    return [service.id for service in found[:NAMED]]


def _services(services: list[str], *, given: bool) -> list[Text]:
    return [(f"Its title names {listed(services)}: whoever owns that is meant.",)] if services and not given else []


def _paging(incident: Incident, services: list[str], *, page: bool) -> list[Text]:
    if page:
        whom = f"whoever is on call for {services[0]}" if services else "whoever is on call"
        stop: Text = ("You have it already? ", Code(f"/incident ack {incident.ref}"))
        return [(f"Paging starts: {whom}. The room shows who is paged.",), stop]
    return [("Nobody is paged yet. To page: ", Code(f"/incident page NAME {incident.ref}"))]


VERB = Verb(
    name="declare",
    aliases=("new",),
    summary="An incident without an alert",
    details=(
        "SEV1 and SEV2 page whoever is on call for the service that is named (or that the title names), unless the escalation "
        "policy's quiet hours hold back that severity."
    ),
    family=Family.RESPOND,
    arguments=(
        Argument(name="title", kind=Kind.TEXT, rest=True, required=True, help="what is broken, and where"),
        Argument(name="severity", kind=Kind.SEVERITY, help="sev1 (worst) to sev4; sev3 where none is given"),
        Argument(name="service", kind=Kind.SERVICE, named=True, help="what is hit: who is on call for it is meant"),
        Argument(name="page", kind=Kind.FLAG, help="page whoever is on call, however mild it is"),
        Argument(name="nopage", kind=Kind.FLAG, help="page nobody, however bad it is"),
        Argument(name="private", kind=Kind.FLAG, help="a room by invitation only, on chat platforms"),
    ),
    examples=(
        "declare checkout slow for some customers",
        "declare payments down sev1",
        "declare SSO drill sev1 --nopage",
    ),
    handler=declare,
)
