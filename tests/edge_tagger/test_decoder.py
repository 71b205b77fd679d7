from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge_tagger.decoder import Decoder, LabelDecoder, decode
from edge_tagger.errors import ModelError
from edge_tagger.heads import Activation, Head
from edge_tagger.manifest import Manifest
from edge_tagger.options import ALL, Options
from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

TAGS = {
    "category/Footwear": 0.9,
    "category/Footwear/Boot": 0.2,
    "category/Footwear/Shoe": 0.8,
    "category/Apparel": 0.7,
    "category/Apparel/Dress": 0.6,
    "details/logo": 0.3,
    "details/pocket": 0.7,
    "details/pocket/zip": 0.75,
}
FACETS = (Facet("category", ("group", "type")), Facet("details", ("d",), exclusive=False, separator="|"))
MANIFEST = Manifest(
    "a", 8, Taxonomy(FACETS, tuple(map(Tag.from_id, TAGS))), (0.5,) * len(TAGS),
    display_names={"de": {"category/Footwear": "Schuhwerk", "category/Footwear/Shoe": "Schuh"}, "pt-BR": {}, "zh": {}},
)  # fmt: skip
SCORES = np.array(list(TAGS.values()), np.float32)


def tags(scores: Any = SCORES, **options: Any) -> list[str]:
    return [tag.tag for tag in Decoder(MANIFEST, Options(**options))(np.asarray(scores, np.float32))]


def test_results_are_what_a_user_expects() -> None:
    tagged = decode(SCORES, MANIFEST)
    footwear, shoe, pocket, _ = tagged
    assert len(tagged) == 4 and tagged and not TaggedPhoto(())
    assert "details/pocket" in tagged and pocket in tagged and "details/logo" not in tagged
    assert (footwear.score, shoe.parents, str(shoe)) == (np.float32(0.9), ("category/Footwear",), "Shoe 0.80")
    assert tagged.paths == {"category": (footwear, shoe)} and tagged.path("details")[0] is pocket
    plain = json.loads(json.dumps(tagged.to_json()))
    assert plain["paths"] == {"category": ["Footwear", "Shoe"]} and plain["tags"][1]["parents"] == ["category/Footwear"]
    assert str(tagged) == "category  Footwear > Shoe  0.80\ndetails   pocket > zip  0.75"
    assert decode(np.zeros(8, np.float32), MANIFEST).to_json() == {"tags": [], "paths": {"category": []}}
    with pytest.raises(AttributeError):
        shoe.score = 1.0  # type: ignore[misc]
    assert {tagged: 1}[decode(SCORES, MANIFEST)] == 1


def test_max_results_keeps_the_highest_scores_and_never_a_child_without_its_parent() -> None:
    assert tags(max_results=1) == ["category/Footwear"]
    assert tags(max_results=2) == ["category/Footwear", "category/Footwear/Shoe"]
    assert tags(max_results=3) == ["category/Footwear", "category/Footwear/Shoe", "details/pocket"]
    assert tags(max_results=99) == tags()


def test_a_score_threshold_takes_the_place_of_the_models() -> None:
    assert tags(score_threshold=0.78) == ["category/Footwear", "category/Footwear/Shoe"]
    assert "details/logo" in tags(score_threshold=0.3)
    tagged = Decoder(MANIFEST, Options(score_threshold=0.3))(SCORES)
    assert {tag.threshold for tag in tagged} == {0.3}


def test_allow_covers_what_is_below_and_brings_the_parents() -> None:
    assert tags(allow=["category"]) == ["category/Footwear", "category/Footwear/Shoe"]
    assert tags(allow=["category/Apparel"]) == ["category/Apparel", "category/Apparel/Dress"]
    assert tags(allow=["details/pocket/zip"]) == ["details/pocket", "details/pocket/zip"]
    assert Decoder(MANIFEST, Options(allow=["details"]))(SCORES).facets == ()


def test_deny_takes_what_is_below_along_and_gives_the_next_path() -> None:
    assert tags(deny=["category/Footwear", "details/pocket"]) == ["category/Apparel", "category/Apparel/Dress"]
    assert tags(deny=["category/Footwear/Shoe", "details"]) == ["category/Apparel", "category/Apparel/Dress"]
    assert tags(deny=["category"]) == ["details/pocket", "details/pocket/zip"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"allow": ["category/Shoe"]}, "no tag or facet 'category/Shoe'; did you mean .*category/Footwear/Shoe"),
        ({"deny": ["pockets"]}, "'pockets'; did you mean details/pocket"),
        ({"allow": ["category/Foot"]}, "no tag or facet 'category/Foot'"),
        ({"allow": [""]}, "no tag or facet ''"),
        ({"deny": ["category", "details"]}, "deny leaves no tag"),
        ({"locale": "fr"}, "no display names for 'fr'; it has de, pt-BR, zh"),
        ({"locale": ""}, "no display names for ''"),
    ],
)
def test_what_the_model_has_not_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        Decoder(MANIFEST, Options(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"max_results": 0},
        {"score_threshold": 1.5},
        {"score_threshold": float("nan")},
        {"allow": ["a"], "deny": ["b"]},
        {"allow": "category"},
    ],
)
def test_options_check_themselves(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Options(**options)


@pytest.mark.parametrize("locale", ["de", "de-AT", "DE", "de-Latn-CH"])
def test_names_are_those_of_the_locale(locale: str) -> None:
    tagged = Decoder(MANIFEST, Options(locale=locale))(SCORES)
    assert [tag.name for tag in tagged] == ["Schuhwerk", "Schuh", "pocket", "zip"]
    assert str(tagged).startswith("category  Schuhwerk > Schuh") and tagged.to_json()["paths"] == {
        "category": ["Schuhwerk", "Schuh"]
    }
    assert [tag.tag for tag in tagged] == tags()


def test_scores_of_another_length_are_told() -> None:
    with pytest.raises(ValueError, match="8 tags"):
        decode(SCORES[:3], MANIFEST)


def test_a_model_without_its_sigmoid_is_told() -> None:
    with pytest.raises(ModelError, match=r"category/Footwear the score 7, .* lacks its sigmoid"):
        decode(np.array([7, -3, 2, -8, -9, -1, -1, -1], np.float32), MANIFEST)


@pytest.mark.parametrize("seed", range(60))
def test_allow_and_deny_answer_as_a_model_without_the_other_tags(seed: int) -> None:
    generator, numbers = random.Random(seed), np.random.default_rng(seed)
    facets = [Facet(f"f{n}", ("c",), exclusive=generator.random() < 0.5) for n in range(3)]
    known: list[Tag] = []
    for place in range(generator.randint(3, 40)):
        facet = generator.choice(facets).name
        known.append(Tag(facet, (*generator.choice([(), *(t.path for t in known if t.facet == facet)]), str(place))))
    thresholds = tuple(numbers.choice([0.2, 0.5, 0.8], len(known)).tolist())
    manifest = Manifest("any", 8, Taxonomy(tuple(facets), tuple(known)), thresholds)
    entries = [tag.id for tag in generator.sample(known, generator.randint(1, 3))]
    if generator.random() < 0.5:
        options = Options(allow=entries)
        left = [
            t for t in known if any(f"{t.id}/".startswith(f"{e}/") or f"{e}/".startswith(f"{t.id}/") for e in entries)
        ]
    else:
        options = Options(deny=entries)
        left = [t for t in known if not any(f"{t.id}/".startswith(f"{e}/") for e in entries)]
    scores = numbers.choice([0.1, 0.4, 0.6, 0.9], len(known)).astype(np.float32)
    if not left:
        with pytest.raises(ModelError, match="deny leaves no tag"):
            Decoder(manifest, options)
        return
    places = [known.index(tag) for tag in left]
    own = tuple(facet for facet in facets if any(tag.facet == facet.name for tag in left))
    smaller = Manifest("less", 8, Taxonomy(own, tuple(left)), tuple(thresholds[place] for place in places))
    answer = Decoder(manifest, options)(scores)
    assert answer == decode(scores[places], smaller)
    for most in (1, 2, 5):
        fewer = Decoder(manifest, replace(options, max_results=most))(scores)
        assert len(fewer) == min(most, len(answer)) and set(fewer) <= set(answer)
        assert all(parent in fewer for tag in fewer for parent in tag.parents)


LABELS = ("cat", "dog", "a/b, 50%", "crane", "crane", "fox", "cow")


def best(scores: list[float], activation: Activation = "softmax", **options: Any) -> list[tuple[str, float]]:
    heads = [Head("scores", slice(0, len(LABELS)), activation)]
    tagged = LabelDecoder(LABELS, heads, Options(**options), model="m")(np.array(scores, np.float32))
    return [(tag.name, round(tag.score, 4)) for tag in tagged]


def test_labels_give_the_best_five_or_what_is_asked_for() -> None:
    scores = [0.05, 0.3, 0.25, 0.2, 0.1, 0.06, 0.04]
    names = [name for name, _ in best(scores)]
    assert names == ["dog", "a/b, 50%", "crane", "crane", "fox"]
    assert [name for name, _ in best(scores, max_results=2)] == ["dog", "a/b, 50%"]
    assert [name for name, _ in best(scores, score_threshold=0.05)] == [*names, "cat"]
    assert [name for name, _ in best(scores, score_threshold=0.05, max_results=1)] == ["dog"]
    assert best(scores, score_threshold=0.9) == []


def test_labels_are_allowed_and_denied_by_name_or_identity() -> None:
    scores = [0.05, 0.3, 0.25, 0.2, 0.1, 0.06, 0.04]
    assert [name for name, _ in best(scores, allow=["a/b, 50%", "label/cow"])] == ["a/b, 50%", "cow"]
    assert [name for name, _ in best(scores, deny=["crane", "dog"])] == ["a/b, 50%", "fox", "cat", "cow"]
    with pytest.raises(ModelError, match="'cay'; did you mean label/ca"):
        best(scores, allow=["cay"])
    with pytest.raises(ModelError, match="no display names"):
        best(scores, locale="de")


def test_one_logit_log_probabilities_and_percent_are_scores_in_0_to_1() -> None:
    def scores(values: list[float], activation: Activation, largest: float = 1.0) -> list[float]:
        head = Head("out", slice(0, len(values)), activation, largest)
        decoder = LabelDecoder([f"l{n}" for n in range(len(values))], [head], ALL, model="m")
        return [round(tag.score, 3) for tag in decoder(np.array(values, np.float32))]

    assert scores([-2.0], "none") == [0.119] and scores([500.0], "none") == [1.0]
    assert scores([float(np.log(0.25)), float(np.log(0.75))], "log_softmax") == [0.75, 0.25]
    assert scores([80.0, 20.0], "probabilities", 100.0) == [0.8, 0.2]
    assert scores([0.6, 0.1], "probabilities") == [0.6, 0.1]


def test_raw_logits_become_probabilities_and_other_scores_stay() -> None:
    logits = [1000.0, 999.0, -1000.0, 0.0, 0.0, 0.0, 0.0]
    assert best(logits, "none")[:2] == [("cat", 0.7311), ("dog", 0.2689)]
    assert best([0.1, 0.9, 0, 0, 0, 0, 0], "sigmoid")[0] == ("dog", 0.9)
    assert best([0.1, 0.9, 0, 0, 0, 0, 0], "unknown")[0] == ("dog", 0.9)
    heads = [Head("a", slice(0, 2), "none"), Head("b", slice(2, 7), "sigmoid")]
    scores = np.array([2, 2, 0.25, 0, 0, 0, 0], np.float32)
    tagged = LabelDecoder(LABELS, heads, Options(), model="m")(scores)
    assert [(tag.name, tag.score) for tag in tagged][:3] == [("cat", 0.5), ("dog", 0.5), ("a/b, 50%", 0.25)]
    assert scores[0] == 2  # what was given stays as it was
