"""YAML as data with places; hostile YAML is refused and costs little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import reading
from bot.catalog.reading import read_file, read_text, show


def only(text: str) -> reading.Document:
    (document,) = read_text(text, "c.yaml")
    return document


def problems(text: str) -> list[str]:
    return [str(problem) for document in read_text(text, "c.yaml") for problem in document.problems]


def test_every_key_and_item_knows_its_line():
    document = only("services:\n  web:\n    depends_on:\n      - a\n      - b\n")
    assert document.data == {"services": {"web": {"depends_on": ["a", "b"]}}}
    assert document.place(("services", "web")).line == 2
    assert document.place(("services", "web", "depends_on", 1)).line == 5
    assert (
        str(document.problem(("services", "web", "depends_on", 1), "no")) == "c.yaml:5: services.web.depends_on[1]: no"
    )


def test_a_path_that_is_not_there_stands_where_its_parent_does():
    assert only("a:\n  b: 1\n").place(("a", "b", "c", 3)).line == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18:00", "18:00"),
        ("2026-01-05", "2026-01-05"),
        ("0123", "0123"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("12", 12),
        ("0.5", 0.5),
        ("1_000", "1_000"),
        ('"12"', "12"),
        ("~", None),
        ("!!str 12", "12"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_mean_what_people_expect(text, value):
    read = only(f"key: {text}").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_a_key_twice_in_one_mapping_is_told_with_both_lines():
    assert problems("a: 1\nb: 2\na: 3\n") == ["c.yaml:3: a: the key stands here twice; first on line 1"]


def test_merge_keys_give_way_to_the_mappings_own():
    assert only("base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  x: 3\n").data["mine"] == {"x": 3, "y": 2}


def test_tags_are_refused():
    (told,) = problems('a: !!python/object/apply:os.system ["true"]')
    assert "!!python/object/apply:os.system" in told
    assert told.startswith("c.yaml:1: a:")


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (told,) = problems("\n".join(lines))
    assert "aliases" in told


def test_an_alias_inside_itself_is_refused():
    assert problems("a: &a [*a]") == ["c.yaml:1: a[0]: this alias contains itself"]


def test_aliases_that_nest_one_in_another_are_refused():
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 3000)]
    assert any("nest deeper" in told for told in problems("\n".join(lines)))


def test_deep_nesting_is_refused():
    (told,) = problems("a: " + "[" * 5000 + "]" * 5000)
    assert "nested deeper" in told


def test_a_syntax_error_is_told_with_its_line():
    (told,) = problems("a: 1\nb: [1, 2\nc: 3\n")
    assert told.startswith("c.yaml:3: not YAML:")


def test_control_characters_are_told_and_not_raised():
    (told,) = problems("a: \x00")
    assert "not YAML" in told


def test_files_that_cannot_be_read_say_why(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    (tmp_path / "big").write_text("a: " + "x" * 100)
    (tmp_path / "binary").write_bytes(b"a: 1\nb: \xff\n")
    told = [str(read_file(tmp_path / name, name)[1][0]) for name in ("big", "binary", "absent")]
    assert told[0].startswith("big: larger than")
    assert told[1] == "binary:2: not UTF-8 text"
    assert told[2] == "absent: cannot be read: No such file or directory"


def test_keys_that_are_no_words_are_shown_in_brackets():
    assert show(("services", "my service", "match", 0)) == 'services["my service"].match[0]'


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_read_or_refused_but_never_raises(text):
    assert all(isinstance(document, reading.Document) for document in read_text(text, "c.yaml"))
