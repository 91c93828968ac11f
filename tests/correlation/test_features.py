from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.features import Features, likeness, words_of


def test_numbers_addresses_and_hashes_are_masked() -> None:
    one = words_of("pod checkout-7d9f8c6b5-x2x4z on 10.1.2.3:8080 used 93.5 % since 2026-01-05")
    other = words_of("pod checkout-6c5b4a3f2-k9k8j on 10.9.8.7:9090 used 12 % since 2025-11-30")
    assert set(one) & set(other) >= {"pod", "checkout", "used", "since"}
    assert not any(char.isdigit() for word in one for char in word)


@given(st.text(max_size=80), st.text(max_size=80))
def test_likeness_is_symmetric_bounded_and_one_for_the_same(a: str, b: str) -> None:
    features = Features()
    one, other = features.template(a, ""), features.template(b, "")
    assert 0.0 <= features.alike(one, other) == features.alike(other, one) <= 1.0
    assert features.alike(one, one) == 1.0
    assert 0.0 <= likeness(a, b) == likeness(b, a) <= 1.0


def test_a_dull_word_in_common_says_little() -> None:
    features = Features()
    a, b = features.template("HighLatency", "checkout"), features.template("HighErrors", "search")
    same = features.template("Latency", "checkout")
    assert features.alike(a, b) < 0.2 < features.alike(a, same)


def test_a_template_is_found_again_by_its_text() -> None:
    features = Features()
    template = features.template("HighLatency", "checkout is slow")
    assert Features().of(template.text).weights == template.weights
