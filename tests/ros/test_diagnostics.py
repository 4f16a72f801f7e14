"""ros.diagnostics: what diagnostics say of the replies."""

from conftest import ros_or_skip

ros_or_skip()

from antipodal.ros.diagnostics import FAILURES, RECENT, ReplyStatistics


def test_counts_rate_and_latency():
    now = [100.0]
    statistics = ReplyStatistics(lambda: now[0])
    assert statistics.values()["planned"] == "0"
    for i in range(100):
        statistics.add("" if i < 90 else "busy", float(i))
    statistics.add("no grasp", 50.0)
    values = statistics.values()
    assert values["rate (1/s)"] == "10.1" and values["planned"] == "90"
    assert values["refused: busy"] == "10" and values["refused: no grasp"] == "1"
    assert (values["latency p50 (ms)"], values["latency p99 (ms)"]) == ("50.0", "98.0")
    now[0] += 11
    assert statistics.values()["rate (1/s)"] == "0.0"


def test_latency_is_that_of_recent_replies():
    statistics = ReplyStatistics()
    for took in [1000.0] * RECENT + [1.0] * RECENT:
        statistics.add("", took)
    assert statistics.values()["latency p99 (ms)"] == "1.0" and statistics.values()["planned"] == str(2 * RECENT)


def test_many_failures_in_a_row_are_a_problem_until_a_plan_or_an_empty_table():
    statistics = ReplyStatistics()
    for _ in range(FAILURES - 1):
        statistics.add("stale image", 1.0)
    assert statistics.problem() == ""
    statistics.add("no transform", 1.0)
    assert statistics.problem() == f"the last {FAILURES} requests failed: 1 no transform, {FAILURES - 1} stale image"
    statistics.add("no grasp", 1.0)
    assert statistics.problem() == ""
