"""Who somebody is: certain, or unmapped with the reason and the way to map; never guessed."""

from __future__ import annotations

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person
from bot.responders.identities import Unmapped, author_of, by_chat, by_email, by_login, find
from correlation.alert import Change

PEOPLE = {
    person.id: person
    for person in (
        Person(
            id="robin",
            name="Robin Vos",
            email="robin@example.org",
            aliases=("rvos@old.example",),
            chat={"slack": "U01ROBIN", "discord": "80351110224678912"},
            logins={"github": "rvos", "gitlab": "robin.vos"},
        ),
        Person(id="mika", name="Mika Laine", email="mika@example.org", logins={"github": "mlaine"}),
        Person(id="robin2", name="Robin Hood", email="hood@example.org", logins={"gitlab": "rvos"}),
        Person(id="jan", name="Jan Smit"),
        Person(id="jan2", name="Jan Smit"),
    )
}
CATALOG = Catalog(people=PEOPLE)


def who(text: str, platform: str = "") -> str | None:
    found = find(CATALOG, text, platform=platform)
    return found.id if isinstance(found, Person) else None


def unmapped(found: Person | Unmapped) -> Unmapped:
    assert isinstance(found, Unmapped)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "robin",
        "@robin",
        " @Robin ",
        "ROBIN@example.org",
        "rvos@old.example",
        "Robin Vos",
        "robin vos",
        "U01ROBIN",
        "<@U01ROBIN>",
        "<@U01ROBIN|robin>",
        "<@!80351110224678912>",
        "robin.vos",
    ],
)
def test_a_person_is_found_by_anything_that_is_certainly_theirs(text):
    assert who(text) == "robin"


def test_a_name_without_end_is_not_said_back_whole():
    assert len(unmapped(find(CATALOG, "x" * 5000)).why) < 300
    assert len(unmapped(find(CATALOG, f"<@{'U' * 5000}>")).why) < 300


def test_a_first_name_is_enough_where_only_one_has_it():
    assert who("Mika") == "mika"
    assert who("laine") == "mika"


def test_two_of_one_name_are_told_and_not_guessed():
    found = unmapped(find(CATALOG, "Jan Smit"))
    assert found.why == '"Jan Smit" may be @jan, @jan2'
    assert [person.id for person in found.candidates] == ["jan", "jan2"]


def test_a_login_that_is_two_peoples_on_two_forges_needs_the_forge():
    found = unmapped(by_login(CATALOG, "rvos"))
    assert found.why == '"rvos" may be @robin, @robin2'
    github, gitlab = by_login(CATALOG, "RVos", "github"), by_login(CATALOG, "rvos", "gitlab")
    assert isinstance(github, Person)
    assert isinstance(gitlab, Person)
    assert (github.id, gitlab.id) == ("robin", "robin2")


def test_an_account_counts_on_its_own_platform_only():
    assert who("<@U01ROBIN>", "slack") == "robin"
    found = unmapped(find(CATALOG, "<@U01ROBIN>", platform="discord"))
    assert found.how == 'in the catalogue set people.NAME.discord: "U01ROBIN"'


@pytest.mark.parametrize("text", ["", "  ", "@", "nobody", "robin@elsewhere.example"])
def test_nobody_is_nobody(text):
    assert unmapped(find(CATALOG, text)).candidates == ()


def test_accounts_and_addresses_are_looked_up_directly():
    assert by_chat(CATALOG, "slack", "U01ROBIN") is PEOPLE["robin"]
    assert by_chat(CATALOG, "discord", "U01ROBIN") is None
    assert by_chat(CATALOG, "slack", "") is None
    assert by_email(CATALOG, "Mika@Example.ORG ") is PEOPLE["mika"]
    assert by_email(CATALOG, "") is None


def change(**fields) -> Change:
    return Change(id="c1", at=0.0, title="deploy", **fields)


def author(**fields) -> str | None:
    found = author_of(CATALOG, change(**fields))
    return found.id if isinstance(found, Person) else None


def test_an_author_is_known_by_address_or_login():
    assert author(author_email="rvos@old.example", author_name="whoever") == "robin"
    assert author(author_login="mlaine", source="github") == "mika"
    assert author(author_login="mlaine", source="change") == "mika"
    assert author(author_email="mika@example.org", author_login="mlaine") == "mika"


def test_a_private_commit_address_carries_the_login():
    assert author(author_email="1234567+rvos@users.noreply.github.com") == "robin"
    assert author(author_email="1234567-rvos@users.noreply.gitlab.com") == "robin2"


def test_the_source_says_whose_logins_are_meant():
    assert author(author_login="rvos", source="github") == "robin"
    assert author(author_login="rvos", source="gitlab") == "robin2"
    found = unmapped(author_of(CATALOG, change(author_login="rvos", source="change")))
    assert "@robin, @robin2" in found.why


def test_a_name_alone_maps_to_nobody_but_says_whom_it_may_be():
    found = unmapped(author_of(CATALOG, change(author_name="Mika Laine", author_email="ml@laptop.local")))
    assert found.why == '"ml@laptop.local" is nobody here; @mika has that name, which proves nothing'
    assert found.how == 'in the catalogue set people.mika.email (or emails): "ml@laptop.local"'
    assert found.candidates == (PEOPLE["mika"],)


def test_a_robot_is_nobody_and_the_way_to_map_it_is_told():
    found = unmapped(author_of(CATALOG, change(author_login="build-bot", source="github")))
    assert found.why == '"build-bot" is nobody here'
    assert found.how == 'in the catalogue set people.NAME.github: "build-bot"'


def test_an_address_and_a_login_of_two_people_are_told_and_not_guessed():
    found = unmapped(author_of(CATALOG, change(author_email="robin@example.org", author_login="mlaine")))
    assert "cannot both be right" in found.why
    assert [person.id for person in found.candidates] == ["robin", "mika"]


def test_a_change_without_an_author_says_so():
    assert unmapped(author_of(CATALOG, change())).why == "the change does not say who made it"


def test_without_a_catalogue_nobody_is_known():
    assert isinstance(find(Catalog.empty(), "robin"), Unmapped)
    assert isinstance(author_of(Catalog.empty(), change(author_email="a@b")), Unmapped)
