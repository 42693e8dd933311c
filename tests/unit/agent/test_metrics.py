"""What is written is what Prometheus's own parser reads, whatever the labels hold."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from limen.agent.metrics import LONGEST_LABEL, bounded, counter, exposition, gauge, labels

ODD = [
    'quote " and backslash \\ and \\n',
    "two\nlines",
    "emoji \N{ROCKET} and combining e\u0301",
    "{brace},equals=",
    "x" * LONGEST_LABEL,
    "",
]


@pytest.mark.parametrize("value", ODD)
def test_label_comes_back_as_it_went(value: str) -> None:
    family = gauge("limen_test", "Help.")
    family.add(1.5, labels(domain=value, uuid="u"))

    (read,) = text_string_to_metric_families(exposition([family]).decode())

    assert read.samples[0].labels == {"domain": value, "uuid": "u"}
    assert read.samples[0].value == 1.5


def test_long_labels_are_cut_and_stay_different() -> None:
    one, two = ("x" * 300 + tail for tail in "ab")

    assert len(bounded(one)) == LONGEST_LABEL
    assert bounded(one) != bounded(two)


def test_bytes_that_are_no_text_do_not_break_the_output() -> None:
    family = gauge("limen_test", "Help.")
    family.add(1, labels(path="a\udcffb"))

    assert b'path="a?b"' in exposition([family])


@pytest.mark.parametrize("value", [0, 2**63, 0.25, math.inf, -math.inf])
def test_numbers(value: float) -> None:
    (read,) = text_string_to_metric_families(exposition([gauge("limen_test", "Help.", value)]).decode())

    assert read.samples[0].value == value


def test_what_could_not_be_seen_is_left_out() -> None:
    family = counter("limen_test_total", "Help.")
    family.add(None)

    assert exposition([family]) == b""
