from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.features import _MASKS, _WORD, MAX_WORDS, Features, likeness, words_of

_PARTS = (
    "DiskFull",
    "of",
    "10.73",
    "%",
    " ",
    "\t",
    "\u2003",
    "http://a.b/c",
    "x",
    "deadbeef",
    "-1234-",
    "3e4567",
    "s7:",
    "ß",
    "İ",
    "警告",
    ",",
)


def test_numbers_addresses_and_hashes_are_masked() -> None:
    one = words_of("pod checkout-7d9f8c6b5-x2x4z on 10.1.2.3:8080 used 93.5 % since 2026-01-05")
    other = words_of("pod checkout-6c5b4a3f2-k9k8j on 10.9.8.7:9090 used 12 % since 2025-11-30")
    assert set(one) & set(other) >= {"pod", "checkout", "used", "since"}
    assert not any(char.isdigit() for word in one for char in word)


@given(st.lists(st.sampled_from(_PARTS) | st.text(max_size=8), max_size=30).map("".join))
def test_masks_and_words_of_each_part_are_those_of_the_whole_text(text: str) -> None:
    words = [word.lower() for word in _WORD.findall(_MASKS.sub(" ", text))]
    assert words_of(text) == list(dict.fromkeys(words))[:MAX_WORDS]


@given(st.text(max_size=80), st.text(max_size=80))
def test_likeness_is_symmetric_bounded_and_one_for_the_same(a: str, b: str) -> None:
    features = Features()
    one, other = features.template(a, ""), features.template(b, "")
    assert 0.0 <= features.alike(one, other) == features.alike(other, one) <= 1.0
    assert features.alike(one, one) == 1.0
    assert 0.0 <= likeness(a, b) == likeness(b, a) <= 1.0


@given(
    st.lists(st.sampled_from(["disk full", "disk is slow", "cart latency", "", "the alert"]), max_size=5),
    st.integers(1, 3),
)
def test_the_most_alike_is_that_of_all_whenever_it_is_asked(texts: list[str], times: int) -> None:
    features = Features()
    mine = features.template("SlowDisk", "the disk of the cart")
    others = [features.template(text, "").text for text in texts]
    likes = [features.alike(mine, features.of(text)) for text in others]
    for _ in range(times):
        assert features.most_alike(mine, others) == max(likes, default=0.0)


def test_a_dull_word_in_common_says_little() -> None:
    features = Features()
    a, b = features.template("HighLatency", "checkout"), features.template("HighErrors", "search")
    same = features.template("Latency", "checkout")
    assert features.alike(a, b) < 0.2 < features.alike(a, same)


def test_a_template_is_found_again_by_its_text() -> None:
    features = Features()
    template = features.template("HighLatency", "checkout is slow")
    assert Features().of(template.text).weights == template.weights
