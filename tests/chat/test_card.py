"""What a card says on chat platforms, before any of them draws it."""

from __future__ import annotations

from bot.chat.card import alerts_line, cause_lines, headline, links_line, roles_line, services_line, status_line
from bot.chat.views import Card, Link, Person, RoleHolder, ServiceCount, Text, plain

MIKA = Person("mika", "Mika Laine")


def card(**fields: object) -> Card:
    values: dict[str, object] = {
        "incident": "INC-42",
        "title": "checkout latency",
        "severity": "SEV2",
        "status": "open",
        "status_since": 1_000.0,
        "opened_at": 1_000.0,
        "first_alert_at": 900.0,
        "alert_count": 37,
        "firing_count": 37,
    }
    return Card(**(values | fields))  # type: ignore[arg-type]


def timed(before: Text, after: Text) -> str:
    return f"{plain(before)}...{plain(after)}"


def links(count: int) -> tuple[Link, ...]:
    return tuple(Link(f"dashboard {n}", f"https://grafana.example.org/d/{n}") for n in range(count))


def test_the_first_lines_say_how_bad_what_and_who_has_it() -> None:
    assert headline(card()) == "SEV2 INC-42 checkout latency"
    line = status_line(card())
    assert timed(line.before, line.after) == "Open since ..., nobody leads"
    line = status_line(card(status="resolved", resolved_at=2_700.0, lead=MIKA))
    assert timed(line.before, line.after) == "Resolved at ..., 30 min after the first alert, led by Mika Laine"
    line = alerts_line(card(firing_count=0))
    assert timed(line.before, line.after) == "37 alerts, none firing, the first at ..."  # it is not over since then
    line = alerts_line(card(firing_count=3, environment="production"))
    assert timed(line.before, line.after) == "37 alerts, 3 firing, since ..., production"


def test_services_beyond_eight_and_roles_beyond_six_are_counted() -> None:
    services = [ServiceCount(f"s{n}", 40 - n) for n in range(30)]
    said = plain(services_line(services))
    assert said.startswith("Services s0 40, s1 39, ")
    assert said.endswith("s7 33 and 22 more with 473 alerts")
    assert plain(roles_line([RoleHolder(f"r{n}", MIKA) for n in range(8)])).endswith(" and 2 more")
    assert services_line(()) == roles_line(()) == ()


def test_three_links_are_shown_and_the_others_counted_with_the_way_to_them() -> None:
    said = plain(links_line(card(links=links(7)), lambda _url: True))
    assert said.startswith("Links dashboard 0 (https://grafana.example.org/d/0), dashboard 1 (")
    assert said.endswith(" and 4 more: /incident show INC-42")
    assert "more" not in plain(links_line(card(links=links(3)), lambda _url: True))


def test_what_a_platform_cannot_draw_as_a_link_takes_nobodys_place() -> None:
    said = plain(links_line(card(links=links(4)), lambda url: not url.endswith("/0")))
    assert "dashboard 3" in said
    assert "dashboard 0" not in said
    assert links_line(card(links=links(4)), lambda _url: False) == ()


def test_many_suspects_are_a_few_and_the_way_to_the_others() -> None:
    said = [plain(line) for line in cause_lines(card(cause=("payments-api",), suspects=(("deploy",),) * 8))]
    assert said == ["Probably payments-api", *["Suspect deploy"] * 5, "and 3 more suspects: /incident changes"]
