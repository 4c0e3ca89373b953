"""Percentiles out of the buckets of two readings of a histogram."""

import pytest
from prometheus_client import CollectorRegistry, Histogram

from server.vitals import _buckets, percentile

INF = float("inf")


def test_nothing_observed_between_two_readings_is_no_delay() -> None:
    assert percentile({}, {}, 0.95) is None
    assert percentile({0.1: 4.0, INF: 4.0}, {0.1: 4.0, INF: 4.0}, 0.95) is None


def test_only_what_came_between_the_readings_counts_interpolated_within_its_bucket() -> None:
    before = {0.01: 100.0, 0.1: 100.0, 1.0: 100.0, INF: 100.0}
    after = {0.01: 100.0, 0.1: 110.0, 1.0: 110.0, INF: 110.0}
    assert percentile(before, after, 0.5) == pytest.approx(0.055)
    assert percentile(before, after, 1.0) == pytest.approx(0.1)
    assert percentile({}, after, 0.5) == pytest.approx(0.0055)


def test_what_lies_beyond_the_last_bound_is_told_as_that_bound() -> None:
    assert percentile({}, {1.0: 0.0, INF: 3.0}, 0.95) == 1.0


def test_buckets_are_those_of_the_registry() -> None:
    histogram = Histogram("lag", "of a test", buckets=(0.1, 1.0), registry=CollectorRegistry())
    for seconds in (0.05, 0.5, 5.0):
        histogram.observe(seconds)
    assert _buckets(histogram) == {0.1: 1.0, 1.0: 2.0, INF: 3.0}
