from random import Random

import pytest

from loadtests.bench.histogram import Histogram


def test_percentiles_are_within_one_percent_of_the_sorted_truth() -> None:
    random = Random(1)
    durations = [random.lognormvariate(-4, 1.5) for _ in range(20_000)]
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    durations.sort()
    for percent in (50, 95, 99, 99.9):
        exact = durations[int(len(durations) * percent / 100) - 1]
        assert histogram.percentile_s(percent) == pytest.approx(exact, rel=0.011)


def test_a_percentile_is_never_more_than_the_longest_record() -> None:
    histogram = Histogram()
    for duration in (0.010, 0.020, 0.0301):
        histogram.record(duration)
    assert histogram.percentile_s(100) == 0.0301


def test_an_empty_histogram_has_no_percentiles() -> None:
    assert Histogram().percentile_s(50) is None
    assert Histogram().figures("ack")["ack_p95_ms"] is None


def test_zero_negative_and_huge_durations_are_counted() -> None:
    histogram = Histogram()
    for duration in (-1.0, 0.0, 5e6):
        histogram.record(duration)
    assert histogram.count == 3
    assert histogram.longest_s == 5e6


def test_two_histograms_added_say_what_one_with_all_records_says() -> None:
    one, other, both = Histogram(), Histogram(), Histogram()
    for number in range(1, 1001):
        (one if number % 3 else other).record(number / 1000)
        both.record(number / 1000)
    one.add(other)
    assert one.figures("lag") == both.figures("lag")
    assert one.count == 1000
