"""What a run prints is harmless, holds no secret, and is whole up to a limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.runbooks.output import LONGEST_LINE, TAIL_LENGTH, TAIL_LINES, Output

SECRET = "tok/en+1 very-secret"


def fed(*chunks: str, secrets=(SECRET,), kept=256 * 1024) -> Output:
    output = Output(secrets=secrets, kept=kept)
    for chunk in chunks:
        output.feed(chunk)
    return output


@given(st.data())
def test_a_secret_is_found_however_the_output_is_cut_into_pieces(data):
    before = data.draw(st.text(alphabet="ab \n", max_size=30))
    after = data.draw(st.text(alphabet="ab \n", max_size=30))
    text = f"{before}{SECRET}{after}"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    output = fed(*pieces)
    assert SECRET not in output.text
    assert "[redacted]" in output.text
    assert output.text.rstrip("\n") == f"{before}[redacted]{after}".rstrip("\n")


@given(st.integers(0, 3 * LONGEST_LINE))
def test_a_secret_in_an_endless_line_is_found_too(position):
    output = fed(*(["x" * position, SECRET, "y" * (2 * LONGEST_LINE)]))
    assert "very-secret" not in output.text
    assert "tok/en" not in output.text


def test_a_secret_as_part_of_an_address_is_found_too():
    assert fed("GET /?t=tok%2Fen%2B1%20very-secret\n").text == "GET /?t=[redacted]\n".rstrip("\n")


def test_a_secret_split_by_a_colour_is_found_too():
    assert "very-secret" not in fed("tok/en+1 very\x1b[31m-secret\n").text


def test_colours_controls_and_direction_marks_are_taken_out():
    seen = fed("\x1b[1;31mred\x1b[0m \x1b]0;title\x07ok\x07 \u202eevil\n", secrets=()).text
    assert seen == "red ok\ufffd \ufffdevil"


def test_progress_bars_become_lines():
    assert fed("10%\r50%\r100%\r\ndone\n", secrets=()).text == "10%\n50%\n100%\ndone"


def test_long_output_keeps_its_beginning_and_its_end_and_says_what_is_missing():
    output = fed(*(f"line {n}\n" for n in range(100_000)), secrets=(), kept=10_000)
    assert len(output.text) < 11_000
    assert output.text.startswith("line 0\nline 1\n")
    assert output.text.endswith("line 99999")
    assert "characters are not kept ..." in output.text


def test_the_room_sees_the_last_lines():
    output = fed(*(f"line {n}\n" for n in range(100)), secrets=())
    assert output.tail.splitlines() == [
        f"… {101 - TAIL_LINES} lines more",
        *(f"line {n}" for n in range(101 - TAIL_LINES, 100)),
    ]
    output.feed("half a line")
    assert output.tail.endswith("line 99\nhalf a line")
    assert len(fed(*(["z" * 1000 + "\n"] * 50)).tail) <= TAIL_LENGTH
    assert 0 < len(fed("z" * 3_900 + "\n").tail) <= TAIL_LENGTH + 1
    assert fed().tail == ""


def test_the_end_counts_also_the_lines_that_are_not_kept():
    output = fed(*(f"line {n}\n" for n in range(100_000)), secrets=(), kept=10_000)
    first, *rest = output.tail.splitlines()
    assert first == f"… {100_000 - len(rest):,} lines more"
    assert rest[-1] == "line 99999"


def test_what_fits_is_shown_whole():
    assert fed(*(f"line {n}\n" for n in range(TAIL_LINES)), secrets=()).tail.startswith("line 0\n")
