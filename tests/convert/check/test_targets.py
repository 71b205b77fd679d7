"""Rules as a whole, verdicts, and files of others."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.convert.check import targets
from edge_tagger.convert.check.rule import ERROR, Rule, named, printable
from edge_tagger.convert.check.targets import GENERAL_RULES, SHARED, TARGETS, check
from edge_tagger.errors import ModelError

RULES = {"general": GENERAL_RULES, **TARGETS}
ALL = [rule for rules in RULES.values() for rule in rules]


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_every_rule_says_itself_its_fix_and_its_source(rule: Rule) -> None:
    assert rule.text.endswith((".", ")")) and len(rule.text) > 20
    assert len(rule.fix) > 15
    assert "/" in rule.source or "APPNOTE" in rule.source


def test_ids_are_unique_and_carry_their_target() -> None:
    assert len({rule.id for rule in ALL}) == len(ALL)
    for name, rules in RULES.items():
        assert {rule.id.partition(".")[0] for rule in rules} == {name}


def test_the_page_lists_every_rule(data: Path) -> None:
    page = (data.parents[1] / "docs" / "check.md").read_text(encoding="utf-8")
    missing = [rule.id for rule in ALL if f"`{rule.id.partition('.')[2]}`" not in page]
    assert missing == []


def test_a_rule_checks_itself() -> None:
    with pytest.raises(ValueError, match="severity 'bad'"):
        Rule("general.x", "bad", lambda _facts: None, "fix")
    with pytest.raises(ValueError, match=r"TARGET\.NAME"):
        Rule("x", ERROR, lambda _facts: None, "fix")


def test_the_packaged_model_fits_phones_and_the_pi() -> None:
    model = Path(targets.__file__).parents[2] / "edge_tagger" / "models" / "product-tagger-int8.tflite"
    report = check(model, ["mediapipe", "mlkit", "pi"])
    assert report.fine
    assert {report.verdict(name) for name in ("general", "mediapipe", "mlkit")} == {"fits"}
    assert report.verdict("pi") == "fits, with warnings"  # operators that XNNPACK's page does not name for 8 bits
    assert report.verdict("edgetpu") == "fits, with warnings"  # 12 MB on a chip of 8


def test_a_target_not_asked_for_does_not_count(data: Path) -> None:
    path = data / "bare-int8.tflite"
    assert check(path).fine and check(path, ["pi"]).fine
    assert not check(path, ["pi", "mediapipe"]).fine
    text = str(check(path))
    assert "mediapipe    does not fit: input-type, output-type (--target mediapipe says more)" in text
    assert "fix: convert again with --io uint8" not in text
    assert "fix: convert again with --io uint8" in str(check(path, ["mediapipe"]))


def test_json(draft: Any, report: Any) -> None:
    made = draft("uint8")
    made.files["labels.txt"] = b"one\n"
    plain = json.loads(json.dumps(report(made, "mediapipe").to_json()))
    assert plain["fine"] is False and plain["asked"] == ["mediapipe"]
    assert plain["verdicts"] == {"general": "does not fit", "mediapipe": "does not fit"}
    (finding,) = plain["findings"]
    assert finding["rule"] == "general.label-count" and finding["severity"] == "error"
    assert set(finding) == {"rule", "severity", "text", "found", "fix", "source"}


def test_general_rules_that_a_target_shares_count_in_its_verdict(draft: Any, report: Any) -> None:
    assert set(SHARED) == set(TARGETS)
    assert {name for names in SHARED.values() for name in names} <= {rule.id for rule in GENERAL_RULES}
    made = draft("uint8")
    made.files["labels.txt"] = b"one\n"
    of = report(made)
    assert (of.verdict("mediapipe"), of.verdict("pi")) == ("does not fit", "fits")
    assert "mediapipe    does not fit: general.label-count" in str(of)


def test_names_of_an_enemy_do_not_reach_the_terminal(draft: Any, report: Any) -> None:
    made = draft("uint8")
    made.rename("LOGISTIC", "\x1b[31mop" + "x" * 5000)
    text = str(report(made, "mediapipe"))
    assert "?[31mop" in text and "\x1b" not in text and len(text) < 8000


def test_named_shows_a_few() -> None:
    assert named(f"t{n}" for n in range(7)) == "t0, t1, t2, t3, t4 and 2 more"
    assert named([]) == "" and printable("a\nb") == "a?b"


def test_what_cannot_be_read(data: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes((data / "bare-int8.tflite").read_bytes()[:900])
    for path in (cut, tmp_path / "none.tflite", data / "tiny.toml", tmp_path):
        with pytest.raises(ModelError, match=path.name):
            check(path)
    with pytest.raises(ValueError, match="there are mediapipe, mlkit"):
        check(data / "bare-int8.tflite", ["ios"])


def test_corrupted_files_are_read_or_refused(draft: Any, tmp_path: Path) -> None:
    whole, path, generator = draft("uint8").bytes(), tmp_path / "corrupt.tflite", random.Random(3)
    read = 0
    for _ in range(200):
        data = bytearray(whole)
        for place in generator.choices(range(len(data)), k=generator.choice([1, 3, 20])):
            data[place] = generator.randrange(256)
        path.write_bytes(data)
        try:
            report = check(path, list(TARGETS))
        except ModelError:
            continue
        read += bool(str(report) and report.to_json())
    assert 20 < read < 180


@pytest.mark.shared
def test_third_party_models(shared: Path) -> None:
    folder = shared / "models" / "third_party"
    mobilenet = check(folder / "mobilenet_v1_0.25_128_uint8.tflite", ["mediapipe", "mlkit", "edgetpu"])
    assert mobilenet.fine
    resnet = check(folder / "mlperf_tiny_resnet8_cifar10_int8.tflite", ["mediapipe"])
    assert not resnet.fine
    assert "SOFTMAX" in resnet.findings["pi"][0].found
