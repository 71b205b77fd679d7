from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge_tagger.benchmarks.compare import ACROSS, Comparison, compare, matched_models
from edge_tagger.benchmarks.limits import judge, parse_limits
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.results import Extra, Failure, Report, Result, Round
from edge_tagger.benchmarks.summary import Summary
from edge_tagger.cli.compare import ACROSS as OF_THE_COMMAND
from edge_tagger.errors import ComparisonError

ROUND = Round(
    date="2026-01-01T00:00:00+00:00", init_ms=1.0, first_ms=2.0, warmup_ms=(), stable=True, samples_ms=(1.0,), every=1,
    overhead_us=0.5, baseline_bytes=10, peak_bytes=30, throttled=False,
)  # fmt: skip
MACHINE = {"cpu": "A76", "cores": 4, "os": "Linux 6", "arch": "aarch64", "python": "3.13"}
LITERT = {"name": "ai-edge-litert", "version": "2.3.0"}
FIGURES = {"map_macro": 0.75, "map_micro": 0.9, "facets": {}}


def cell(p50_ms: float = 10.0, *, rounds: int = 5, **changed: Any) -> Result:
    draw = np.random.default_rng(1)
    samples = [tuple((p50_ms * draw.normal(1, 0.01, 20)).tolist()) for _ in range(rounds)]
    whole = Result(
        path="a.tflite", sha256="a" * 64, size_bytes=1000, device="pi", emulated=False, threads=1, plan=Plan(),
        runtime=LITERT, delegate="XNNPACK", machine=MACHINE,
        rounds=tuple(replace(ROUND, samples_ms=each) for each in samples),
    )  # fmt: skip
    return replace(whole, **changed)


def accuracy(map_macro: float, *, photos: str = "p", sha256: str = "a" * 64) -> Extra:
    content = {"photos": 8, "photos_sha256": photos, "bit_equal": True, "figures": {**FIGURES, "map_macro": map_macro}}
    return Extra("accuracy", "pi", "a.tflite", sha256, 1, None, content)


def report(*results: Result, extras: tuple[Extra, ...] = (), **changed: Any) -> Report:
    return replace(Report(Plan(), results=list(results), extras=list(extras)), **changed)


def reasons(comparison: Comparison) -> list[str]:
    return [f"{apart.what}: {apart.why}" for apart in comparison.apart]


def test_the_same_cell_is_compared() -> None:
    found = compare(report(cell()), report(cell(12.0)))
    (pair,) = found.pairs
    assert pair.latency.value == pytest.approx(1.2) and pair.latency.differs and pair.latency.rounds == 5
    assert (str(pair), pair.remarks, found.apart) == ("a.tflite on pi, threads 1", (), ())


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"sha256": "b" * 64}, "another model has that name after (SHA-256 aaaaaaaa, then bbbbbbbb); --across model"),
        ({"sha256": "b" * 64, "path": "b.tflite"}, "there is no such model after"),
        ({"device": "moon"}, "it was not measured on pi after"),
        ({"threads": 2}, "after it was measured with 2 threads"),
        ({"emulated": True}, "only one of them is emulated"),
        ({"machine": {**MACHINE, "cpu": "A55"}}, "another machine: its cpu was A76, then A55"),
        ({"machine": {**MACHINE, "cores": 2}}, "another machine: its cores was 4, then 2"),
        (
            {"runtime": {**LITERT, "version": "3"}},
            "another runtime: ai-edge-litert 2.3.0, then ai-edge-litert 3; --acr",
        ),
    ],
)
def test_what_is_unlike_is_left_out_and_says_why(changed: dict[str, Any], why: str) -> None:
    other = cell(sha256="c" * 64, path="c.tflite", device="lab")
    found = compare(report(cell(), other), report(cell(**changed), other))
    assert [str(pair) for pair in found.pairs] == ["c.tflite on lab, threads 1"]
    assert reasons(found)[0].startswith(f"a.tflite on pi, threads 1: {why}")
    with pytest.raises(
        ComparisonError, match=r"nothing in the two benches can be compared: a\.tflite on pi, threads 1"
    ):
        compare(report(cell()), report(cell(**changed)))


def test_what_failed_says_how() -> None:
    failures = [Failure("pi", "b.tflite", 1, "no", 5), Failure("pi", "a.tflite", 1, "it melted", 9)]
    found = compare(report(cell(), cell(threads=4)), report(cell(threads=4), failures=failures))
    assert reasons(found) == ["a.tflite on pi, threads 1: it failed after: it melted"]


def test_what_is_new_is_told() -> None:
    found = compare(report(cell()), report(cell(), cell(threads=2)))
    assert reasons(found) == ["a.tflite on pi, threads 2: it was not measured before"]


def test_another_delegate_that_was_asked_for_is_unlike() -> None:
    with pytest.raises(ComparisonError, match=r"another delegate was asked for: none, then libx\.so"):
        compare(report(cell()), report(cell(), delegate="libx.so"))


def test_nothing_at_all() -> None:
    with pytest.raises(ComparisonError, match="one of them has no results"):
        compare(report(), report())
    with pytest.raises(ValueError, match="give model, runtime"):
        compare(report(cell()), report(cell()), across=["device"])
    assert OF_THE_COMMAND == ACROSS


def test_a_new_version_of_a_model_is_matched_by_its_name() -> None:
    new = cell(sha256="b" * 64, path="new/a.tflite", size_bytes=900)
    found = compare(report(cell(path="old/a.tflite")), report(new), across=["model"])
    assert [(pair.before.size_bytes, pair.after.size_bytes) for pair in found.pairs] == [(1000, 900)]


def test_names_that_do_not_tell_models_apart_match_nothing() -> None:
    def models(*names: str, salt: str) -> Report:
        return report(*(cell(sha256=salt + str(n) * 63, path=name) for n, name in enumerate(names)))

    one, two = models("x/a.tflite", "y/a.tflite", salt="a"), models("a.tflite", "b.tflite", salt="b")
    assert matched_models(one, two, by_name=True) == {}
    assert matched_models(two, one, by_name=True) == {}
    only = matched_models(models("v1.tflite", salt="a"), models("v2.tflite", salt="b"), by_name=True)
    assert len(only) == 1, "the only one on each side, whatever its name"
    found = compare(report(*one.results, cell()), report(*two.results, cell()), across=["model"])
    assert reasons(found)[0] == "a.tflite on pi, threads 1: several models have that name; name them apart"
    both = report(cell(), cell(sha256="c" * 64, path="c.tflite"))
    assert matched_models(both, both, by_name=True) == {"a" * 64: "a" * 64, "c" * 64: "c" * 64}


def test_across_runtime_compares_and_remarks() -> None:
    new = cell(
        runtime={"name": "ai-edge-litert", "version": "3"}, delegate="none", machine={**MACHINE, "os": "Linux 7"}
    )
    (pair,) = compare(report(cell()), report(new, plan=Plan(num_runs=50)), across=["runtime"]).pairs
    assert [remark.partition(":")[0] for remark in pair.remarks] == [
        "ai-edge-litert 2.3.0, then ai-edge-litert 3",
        "run by XNNPACK, then by none",
        "its os was Linux 6, then Linux 7",
        "measured by another plan",
    ]


def test_a_hot_device_is_remarked() -> None:
    hot = replace(cell(), rounds=(replace(ROUND, samples_ms=(1.0, 2.0), throttled=True),))
    assert compare(report(cell()), report(hot)).pairs[0].remarks == ("throttled after",)


def test_rounds_without_single_runs_give_their_p50() -> None:
    def reported(*p50s_ms: float) -> Result:
        summaries = [Summary(50, 1.0, p50_ms, None, None, None, p50_ms, 0.1) for p50_ms in p50s_ms]
        return replace(cell(), rounds=tuple(replace(ROUND, samples_ms=(), reported=each) for each in summaries))

    (pair,) = compare(report(reported(10, 11, 12)), report(reported(20, 22, 24))).pairs
    assert pair.latency.value == 2 and pair.latency.low is not None and pair.latency.low > 1.5
    assert [remark.rpartition(" runs ")[2].partition(":")[0] for remark in pair.remarks] == ["before", "after"]
    (pair,) = compare(report(reported(10)), report(reported(20))).pairs
    assert pair.latency.low is None
    (unjudged,) = judge(compare(report(reported(10)), report(reported(20))), {"latency": 0.05}).unjudged
    assert "a single number has no interval" in unjudged


def test_accuracy_is_held_to_the_same_photos() -> None:
    before = report(cell(), extras=(accuracy(0.75),))
    found = compare(before, report(cell(), extras=(accuracy(0.74),)))
    assert [quality.figure("map_macro") for quality in found.qualities] == [(0.75, 0.74)]
    other = compare(before, report(cell(), extras=(accuracy(0.74, photos="q"),)))
    assert other.qualities == () and reasons(other) == [
        "accuracy of a.tflite on pi: other photos or labels (8, then 8)"
    ]
    none = compare(before, report(cell()))
    assert none.qualities == () and reasons(none) == ["accuracy of a.tflite on pi: only one of them has it"]
    new = report(cell(sha256="b" * 64), extras=(accuracy(0.76, sha256="b" * 64),))
    assert len(compare(before, new, across=["model"]).qualities) == 1


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("latency=5%,map=0.5", {"latency": 0.05, "map": 0.5}),
        ("memory=10%, size=0%", {"memory": 0.1, "size": 0.0}),
    ],
)
def test_limits(text: str, limits: dict[str, float]) -> None:
    assert parse_limits(text) == limits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no limit; give latency=5%"), ("p50=5%", "'p50=5%' is no limit"), ("latency", "is no limit"),
        ("latency=5", "latency is '5'; give latency=5%"), ("latency=-5%", "give latency=5%"),
        ("map=1%", "give map=0.5"),
        ("map=1,map=2", "map is given twice"), ("latency=nan%", "give latency=5%"),
    ],
)  # fmt: skip
def test_limits_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="give ") as caught:
        parse_limits(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("p50_ms", "limit", "passed"), [(12.0, 0.05, False), (12.0, 0.3, True), (10.0, 0.0, True), (8.0, 0.0, True)]
)
def test_latency_fails_where_the_whole_interval_lies_above_the_limit(p50_ms: float, limit: float, passed: bool) -> None:
    verdict = judge(compare(report(cell()), report(cell(p50_ms))), {"latency": limit})
    assert verdict.passed is passed and (verdict.unjudged, verdict.void) == ((), ())
    assert passed or "a.tflite on pi, threads 1: p50 is 1.200 x what it was (95 % interval" in verdict.regressions[0]


def test_a_jump_within_the_noise_of_processes_is_no_regression() -> None:
    """p50 is 11 % higher, and processes differ by as much."""

    def with_rounds(*p50s_ms: float) -> Result:
        return replace(cell(), rounds=tuple(replace(ROUND, samples_ms=(p50_ms,) * 20) for p50_ms in p50s_ms))

    before, after = with_rounds(9, 9, 10, 11, 11), with_rounds(9, 10.5, 11.1, 11.5, 12)
    comparison = compare(report(before), report(after))
    assert comparison.pairs[0].latency.value == pytest.approx(1.11)
    assert judge(comparison, {"latency": 0.05}).passed


def test_one_round_is_not_judged_and_a_limit_that_judges_nothing_does_not_pass() -> None:
    one, many = report(cell(rounds=1)), report(cell(12.0), cell(12.0, threads=2))
    verdict = judge(compare(one, many), {"latency": 0.05})
    assert not verdict.passed and verdict.regressions == ()
    assert "--preset normal" in verdict.unjudged[0] and verdict.void[0].startswith("latency could not be judged: ")
    verdict = judge(
        compare(report(cell(rounds=1), cell(threads=2)), report(cell(), cell(threads=2))), {"latency": 0.05}
    )
    assert verdict.passed and len(verdict.unjudged) == 1


def test_map_memory_and_size() -> None:
    before = report(cell(), extras=(accuracy(0.75),))
    heavy = tuple(replace(each, peak_bytes=40) for each in cell().rounds)
    after = report(replace(cell(size_bytes=1200), rounds=heavy), extras=(accuracy(0.74),))
    comparison = compare(before, after)
    assert judge(comparison, parse_limits("map=1.0,size=20%,memory=50%")).passed
    regressions = judge(comparison, parse_limits("map=0.9,size=19%,memory=49%")).regressions
    assert [line.partition(": ")[2].partition(" is ")[0] for line in regressions] == ["macro mAP", "size", "memory"]
    assert "1.00 points lost, and 0.9 are allowed" in regressions[0]
    assert judge(compare(after, before), parse_limits("map=0,size=0%,memory=0%")).passed, "what is better never fails"
    (void,) = judge(compare(report(cell()), report(cell())), {"map": 0.5}).void
    assert "bench --photos" in void
    nothing = [replace(each, peak_bytes=None) for each in cell().rounds]
    unknown = compare(report(cell()), report(replace(cell(), rounds=tuple(nothing))))
    assert "it is not known" in judge(unknown, {"memory": 0.1}).void[0]
