"""The card says what is broken, who has it, and what to do next; never what is done already."""

from __future__ import annotations

from bot.chat.views import Card, Moment, Person, plain
from bot.incidents.card import card
from bot.incidents.model import Incident
from bot.incidents.parts import Cause, Suspect
from correlation.alert import Change

ROBIN, JONAS = Person("robin", "Robin Vos"), Person("jonas", "Jonas Brandt")
DEPLOY = Change(
    id="d#web", at=940.0, title="", kind="deploy", service="web", revision="a1b2c3d4", author_name="Robin Vos"
)
TWIN = Change(id="d#cart", at=940.0, title="", kind="deploy", service="cart", revision="a1b2c3d4")
FLAG = Change(id="f", at=950.0, title="", kind="flag", service="web", revision="flag-77", author_name="Jonas Brandt")


def drawn(*changes: Change, invited: dict[str, Person] | None = None, **fields: object) -> Card:
    values: dict[str, object] = {
        "number": 42,
        "title": "web errors",
        "severity": "SEV2",
        "status": "acknowledged",
        "status_since": 1000.0,
        "opened_at": 1000.0,
        "first_alert_at": 990.0,
        "last_alert_at": 1000.0,
        "alert_count": 3,
        "firing_count": 3,
        "suspects": [Suspect(change=change.id, score=0.9, reasons=()) for change in changes],
    }
    return card(
        Incident(**(values | fields)),  # type: ignore[arg-type]
        lambda key: Person(key, key),
        {change.id: change for change in changes},
        lambda change: change.author_name,
        invited,
    )


def labels(it: Card) -> list[str]:
    return [button.label for button in it.buttons]


def test_the_owner_of_a_suspect_change_is_offered_until_somebody_was_invited() -> None:
    before = drawn(DEPLOY, FLAG)
    assert plain(before.next_step) == "Ask who changed it: /incident owner"
    assert "Invite owner" in labels(before)
    after = drawn(DEPLOY, FLAG, invited={"d": ROBIN})
    assert plain(after.next_step) == "Robin Vos was invited. Next suspect: /incident owner 2"
    assert "Invite owner" not in labels(after)
    assert [plain(line).endswith(", invited") for line in after.suspects] == [True, False]


def test_who_leads_without_an_acknowledgement_is_not_called_nobody() -> None:
    it = drawn(status="open", commander="mika")
    assert plain(it.next_step) == "Led, but not acknowledged yet: /incident ack"
    assert plain(drawn(status="open").next_step) == "Nobody has it yet. Take it: /incident ack"


def test_when_all_owners_are_there_the_next_step_is_another_one() -> None:
    it = drawn(DEPLOY, FLAG, invited={"d": ROBIN, "f": JONAS})
    assert plain(it.next_step) == "Robin Vos and Jonas Brandt were invited. What could help: /incident runbook"


def test_a_change_of_two_services_is_one_suspect_on_the_card() -> None:
    it = drawn(DEPLOY, TWIN, FLAG, invited={"d": ROBIN})
    assert len(it.suspects) == 2
    assert plain(it.next_step).endswith("/incident owner 2")


def test_a_change_that_is_known_no_more_is_no_reason_to_ask() -> None:
    it = drawn(suspects=[Suspect(change="gone", score=0.9, reasons=())])
    assert "Invite owner" not in labels(it)
    assert plain(it.next_step) == "What could help: /incident runbook"


def test_resolving_while_one_alert_fires_is_asked_in_plain_words() -> None:
    [one] = [button.confirm for button in drawn(firing_count=1).buttons if button.label == "Resolve"]
    assert one == "1 alert still fires. Resolve INC-42 all the same?"
    [two] = [button.confirm for button in drawn(firing_count=2).buttons if button.label == "Resolve"]
    assert two == "2 alerts still fire. Resolve INC-42 all the same?"


def test_the_cause_says_when_it_failed_in_the_readers_own_time_and_what_follows_from_it() -> None:
    words = "first to fail, 3 depend on it"
    cause = Cause(service="payments-api", words=words, score=0.8, first_at=840.0, effects=9)
    assert drawn(cause=cause).cause == (
        "payments-api: first at ",
        Moment(840.0),
        ", 3 depend on it, 9 alerts muted as effects",
    )


def test_a_cause_that_was_not_the_first_to_fail_says_how_late_it_was() -> None:
    cause = Cause(service="payments-db", words="40 s after the first, 3 depend on it", score=0.8)
    assert plain(drawn(cause=cause).cause) == "payments-db: 40 s after the first, 3 depend on it"


def test_each_state_has_what_to_press_next_and_the_way_to_more() -> None:
    assert labels(drawn(status="open")) == ["Acknowledge", "Runbooks", "Resolve", "More"]
    assert labels(drawn()) == ["Runbooks", "Resolve", "More"]
    assert labels(drawn(status="resolved")) == ["Retrospective", "Reopen", "More"]
    assert labels(drawn(merged_into=7)) == []
