from __future__ import annotations

import pytest

from edge_tagger.benchmarks.plan import PRESETS, Plan, make_plan


@pytest.mark.parametrize(
    "wrong",
    [{"num_runs": 0}, {"warmup_runs": -1}, {"seed": -1}, {"rounds": 0}, {"min_duration_s": -1.0}, {"window": 0}],
)
def test_a_plan_checks_itself(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Plan(**wrong)
    with pytest.raises(ValueError, match="3 rounds cannot share 2 runs"):
        Plan(num_runs=2, rounds=3)


def test_mlperf_is_one_run_of_1024_queries_and_a_minute_at_least_and_its_90th_percentile() -> None:
    plan = PRESETS["mlperf"]
    assert (plan.num_runs, plan.min_duration_s, plan.percentile, plan.rounds) == (1024, 60.0, 90, 1)


@pytest.mark.parametrize("preset", list(PRESETS))
def test_numbers_that_are_given_override_every_least_time(preset: str) -> None:
    plan = make_plan(preset, num_runs=7, warmup_runs=0)
    assert (plan.num_runs, plan.min_duration_s, plan.warmup_runs, plan.max_warmup_s) == (7, 0.0, 0, 0.0)
    assert make_plan(preset) == PRESETS[preset]
    assert make_plan(preset, num_runs=1).rounds == 1


def test_rounds_can_be_given() -> None:
    assert make_plan("quick", rounds=10).rounds == 10
    assert make_plan("quick", num_runs=4, rounds=2).num_runs == 4
    with pytest.raises(ValueError, match="5 rounds cannot share 4 runs"):
        make_plan("quick", num_runs=4, rounds=5)


def test_an_unknown_preset_is_told_which_there_are() -> None:
    with pytest.raises(ValueError, match="'slow'; give quick, normal, mlperf"):
        make_plan("slow")


def test_rounds_share_all_runs() -> None:
    plan = Plan(num_runs=11, rounds=3)
    assert [plan.runs_of(place) for place in range(3)] == [4, 4, 3]


def test_a_plan_comes_back_from_json_and_says_what_it_does() -> None:
    plan = make_plan("mlperf", warmup_runs=2)
    assert Plan.from_json(plan.to_json()) == plan
    assert str(plan) == "at least 1024 runs and 60 s; before them 2 to warm up"
    assert (
        str(Plan()) == "at least 100 runs and 3 s, in 5 rounds; before them at least 5 to warm up, until stable or 3 s"
    )
