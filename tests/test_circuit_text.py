"""The grammar of circuits: what it reads, where its errors point, and that nothing else comes of any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mossy.analysis.circuits import Circuit
from mossy.analysis.circuits.elements import ALIASES, COMBINATIONS, ELEMENTS
from mossy.analysis.circuits.text import Leaf, Node, Tree, leaves, parse, written
from mossy.errors import InputError


def refusal(text: object) -> InputError:
    with pytest.raises(InputError) as caught:
        parse(text)  # type: ignore[arg-type]
    return caught.value


def caret(error: InputError) -> int:
    """Where the mark under the text stands, from 0."""
    shown, mark = str(error).split("\n")[-2:]
    assert mark.strip() == "^"
    assert shown.startswith("    ")
    return mark.index("^") - 4


WRONG = {
    "R0-": (3, "the text ends"),
    "-R0": (0, "'-' stands"),
    "R0--R1": (3, "'-' stands"),
    "R0-p(R1,Q1": (10, "the bracket of character 5"),
    "R0-p(R1,)": (8, "')' stands"),
    "R0-p(,R1)": (5, "',' stands"),
    "R0-p()": (5, "')' stands"),
    "R0-p(R1)": (3, "'p' holds 1 part"),
    "R0)": (2, "')' is not expected"),
    "R0,R1": (2, "',' is not expected"),
    "(R0,R1)": (3, "a comma is not expected"),
    "sym(R0,R1)": (6, "a comma is not expected"),
    "rails(R0,R1)": (0, "'rails' holds 2 parts"),
    "R0 R1": (3, "'R' is not expected"),
    "R0-q(R1,R2)": (3, "'q(' does not begin"),
    "R0-X1": (3, "no element 'X'"),
    "R0-R1-R0": (6, "stands twice, at characters 1 and 7"),
    "CPE1-Q1": (5, "stands twice"),
    "R0-5": (3, "'5' stands"),
    "R1.5": (2, "'.' is not expected"),
    "R0-p[R1,R2]": (3, "no element 'p'"),
    "R(1)": (0, "'R(' does not begin"),
    "R0-Ω1": (3, "'Ω' stands"),
    "R²": (1, "'²' is not expected"),
    "R0-p(R1, p(R2, X3), R4)": (15, "no element 'X'"),
    "__import__('os').system('true')": (0, "'_' stands"),
    "R0;import os": (2, "';' is not expected"),
    "p(R1,Q1)(R2)": (8, "'(' is not expected"),
    "p1(R1,R2)": (0, "'p1(' does not begin"),
}
"""A text -> where its error points, from 0, and what it says."""


@pytest.mark.parametrize("text", WRONG)
def test_error_points_at_its_character(text):
    place, words = WRONG[text]
    error = refusal(text)
    assert words in error.problem
    assert f"(character {place + 1})" in error.problem
    assert caret(error) == place
    assert error.remedy


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("R0-Wo1-Wx1", "'W'"), ("CPX1", "'CPE'"), ("r0", "'R'"), ("sen(R1)", "'sym'"), ("lines(R1,C1)", "'line'")],
)
def test_unknown_words_come_with_the_nearest_known_ones(text, suggestion):
    assert suggestion in refusal(text).remedy


def test_every_element_alias_and_combination_reads():
    for symbol in ELEMENTS:
        assert parse(f"{symbol}12") == Leaf(symbol, f"{symbol}12")
    for alias, symbol in ALIASES.items():
        assert parse(f"{alias}3") == Leaf(symbol, f"{symbol}3")
    for word, combination in COMBINATIONS.items():
        tree = parse(combination.example)
        assert isinstance(tree, Node)
        assert tree.kind == word
        assert combination.parts[0] <= len(tree.parts) <= combination.parts[1]


def test_white_space_and_brackets_without_need_make_no_difference():
    assert parse(" R0 -\tp( R1 ,\n(Q1 ) )-((W1))") == parse("R0-p(R1,Q1)-W1")
    assert parse("R0-(R1-(R2-C1))") == parse("R0-R1-R2-C1")


def test_nesting_binds_as_written():
    tree = parse("p(C1,R1-p(C2,R2-p(C3,R3)))")
    outer = tree.parts[1]
    assert isinstance(tree, Node)
    assert isinstance(outer, Node)
    assert (tree.kind, outer.kind, outer.parts[1].kind) == ("p", "series", "p")
    assert [leaf.label for leaf in leaves(tree)] == ["C1", "R1", "C2", "R2", "C3", "R3"]


def test_at_most_twelve_stand_side_by_side():
    assert parse("p(" + ",".join(f"R{k}" for k in range(12)) + ")")
    error = refusal("p(" + ",".join(f"R{k}" for k in range(13)) + ")")
    assert "comma" in error.problem
    assert "at most 12" in error.remedy


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "\n", "\0", "R0\0", "(" * 1900, "p(" * 900, "-" * 1999, "R0-" * 666, "R" * 2000),
        *("R0-p(R1,Q1)" * 400, "\u202eR0", "R\u0660", "\ud800", "R0-\U0001f50b", "{R0}", "%s%n", "{0.__class__}"),
        *("lambda: 0", "R0\\", "'", '"', "R0#R1", "R0/R1", "R0*2", "R1e5", "nan", "None"),
        *(None, 5, b"R0", ["R0"], float("nan")),
    ],
)
def test_hostile_text_is_an_input_error(text):
    refusal(text)


def test_depth_has_a_limit_that_is_said():
    deepest = "(" * 20 + "R0" + ")" * 20
    assert parse(deepest) == Leaf("R", "R0")
    error = refusal("(" * 21 + "R0" + ")" * 21)
    assert "deeper than 20" in error.problem
    assert caret(error) == 20


def test_the_circuit_of_a_spectrum_says_the_same():
    with pytest.raises(InputError, match="character 4"):
        Circuit("R0-X1")


def tree_of(shape: object, count: list[int]) -> Tree:
    """A tree from nested tuples (kind, parts) and symbols, its elements numbered."""
    if isinstance(shape, str):
        count[0] += 1
        return Leaf(shape, f"{shape}{count[0]}")
    kind, parts = shape  # type: ignore[misc]
    return Node(kind, tuple(tree_of(part, count) for part in parts))


def combined(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    single = inner.filter(lambda shape: isinstance(shape, str) or shape[0] != "series")  # type: ignore[index]
    kinds = [st.tuples(st.just("series"), st.lists(single, min_size=2, max_size=4))]
    for word, combination in COMBINATIONS.items():
        fewest, most = combination.parts
        parts = st.lists(inner, min_size=fewest, max_size=min(most, 4))
        kinds.append(st.tuples(st.just(word), parts))
    return st.one_of(kinds)


@given(st.recursive(st.sampled_from(list(ELEMENTS)), combined, max_leaves=12))
@settings(max_examples=200, deadline=None)
def test_what_is_written_reads_back_as_the_same_tree(shape):
    tree = tree_of(shape, [0])
    assert parse(written(tree)) == tree


@given(st.text(alphabet="RCQWsop()-,0123 \n\tXé", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_circuit_or_an_input_error(text):
    try:
        tree = parse(text)
    except InputError as error:
        assert error.problem  # noqa: PT017
    else:
        assert parse(written(tree)) == tree
