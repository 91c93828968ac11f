"""The aggregate: transitions happen and tell, or refuse and say why."""

import pytest

from bot.chat.views import Person
from bot.errors import BadArguments, InvalidTransition
from bot.incidents.announcements import room_name
from bot.incidents.model import Incident

ROBIN, MIKA = Person("robin", "Robin Vos"), Person("mika", "Mika Laine")
NAMES = {"robin": "Robin Vos", "mika": "Mika Laine"}.__getitem__


def incident(**fields: object) -> Incident:
    values: dict[str, object] = {
        "number": 42,
        "title": "checkout latency, eu-west-1",
        "severity": "SEV2",
        "status_since": 1000.0,
        "opened_at": 1000.0,
        "first_alert_at": 990.0,
        "last_alert_at": 1000.0,
    }
    return Incident(**(values | fields))  # type: ignore[arg-type]


def test_who_acknowledges_an_incident_nobody_leads_leads_it() -> None:
    it = incident()
    event = it.acknowledge(MIKA, 1100.0, "looking")
    assert (it.status, it.acknowledged_by, it.acknowledged_at, it.commander) == ("acknowledged", "mika", 1100.0, "mika")
    assert event.note == "looking"


def test_an_ack_of_a_resolved_incident_does_not_reopen_it() -> None:
    it = incident()
    it.resolve(MIKA, 1100.0)
    with pytest.raises(InvalidTransition, match=r"Resolved 2 min ago by Mika Laine\. Nothing to acknowledge\."):
        it.acknowledge(ROBIN, 1220.0, names=NAMES)
    assert it.status == "resolved"


def test_unack_gives_back_the_lead_that_came_with_the_ack() -> None:
    it = incident()
    it.acknowledge(MIKA, 1100.0)
    it.unacknowledge(MIKA, 1200.0)
    assert (it.status, it.acknowledged_at, it.commander) == ("open", None, None)
    with pytest.raises(InvalidTransition):
        it.unacknowledge(MIKA, 1201.0)


def test_an_incident_ends_once_and_reopens_only_then() -> None:
    it = incident()
    with pytest.raises(InvalidTransition):
        it.reopen(ROBIN, 1001.0)
    it.resolve(ROBIN, 1100.0, "rolled back")
    with pytest.raises(InvalidTransition):
        it.resolve(MIKA, 1101.0)
    it.reopen(MIKA, 1200.0)
    assert (it.status, it.resolved_at, it.summary) == ("open", None, "rolled back")


def test_a_merged_incident_does_not_reopen() -> None:
    it = incident(status="resolved", merged_into=7)
    with pytest.raises(InvalidTransition, match="INC-7"):
        it.reopen(ROBIN, 1200.0)


def test_clearing_is_told_once() -> None:
    it = incident(alert_count=3)
    assert it.clear(1100.0) is not None
    assert it.clear(1101.0) is None


def test_an_acknowledgement_of_either_counts_for_a_merged_incident() -> None:
    kept, lost = (
        incident(services=[("web", 1)], alert_count=1),
        incident(number=43, services=[("web", 2)], alert_count=2),
    )
    lost.acknowledge(MIKA, 1050.0)
    kept.take_in(lost)
    assert (kept.status, kept.acknowledged_by, kept.alert_count, kept.services) == (
        "acknowledged",
        "mika",
        3,
        [("web", 3)],
    )


@pytest.mark.parametrize("words", ["", "   ", "\n"])
def test_a_title_and_a_note_need_words(words: str) -> None:
    with pytest.raises(BadArguments):
        incident().rename(words, ROBIN)
    with pytest.raises(BadArguments):
        incident().note(words, ROBIN)


def test_a_severity_that_a_person_set_is_marked_so() -> None:
    it = incident()
    it.change_severity("SEV1", ROBIN)
    assert it.graded_by_person
    with pytest.raises(InvalidTransition):
        it.change_severity("SEV1", ROBIN)


@pytest.mark.parametrize(
    ("template", "title", "name"),
    [
        ("inc-{number}-{slug}", "checkout latency, eu-west-1", "inc-42-checkout-latency-eu-west-1"),
        ("inc-{number}-{slug}", "Überlauf: Größe", "inc-42-uberlauf-groe"),
        ("inc-{number}-{slug}", "<!channel> @everyone", "inc-42-channel-everyone"),
        ("inc-{number}-{slug}", "故障", "inc-42"),
        ("{slug}", "故障", "inc-42"),
        ("{severity}-{slug}-{number}", "web", "sev2-web-42"),
        ("{slug}", "42 checkouts hang", "inc-42"),
        ("{severity}{number}-{slug}", "web", "inc-42"),
        ("{slug}-{number}", "x" * 500, "x" * 77 + "-42"),
    ],
)
def test_a_room_name_is_harmless_and_bears_the_number(template: str, title: str, name: str) -> None:
    assert room_name(template, incident(title=title)) == name


def test_another_number_in_a_room_name_does_not_stand_for_the_incidents() -> None:
    assert room_name("{severity}-{slug}", incident(number=2, title="web")) == "inc-2"


def test_a_room_name_has_at_most_80_characters() -> None:
    assert len(room_name("inc-{number}-{slug}", incident(title="x" * 500))) == 80
