from __future__ import annotations

import numpy as np
import pytest

from edge_tagger.taxonomy import Facet, Tag, Taxonomy

CATEGORY, DETAILS = Facet("category", ("group", "type")), Facet("details", ("details",), exclusive=False, separator="|")
TAGS = tuple(
    Tag.from_id(identity)
    for identity in (
        "category/Footwear",
        "category/Footwear/Boot",
        "category/Footwear/Shoe",
        "category/Apparel",
        "category/Apparel/Dress",
        "details/logo",
        "details/pocket",
    )
)
TAXONOMY = Taxonomy((CATEGORY, DETAILS), TAGS)


def scores(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def names(places: list[int]) -> list[str]:
    return [TAGS[place].name for place in places]


@pytest.mark.parametrize("path", [("Shoes",), ("A/B", "100%"), ("%2F", "Größe")])
def test_an_identity_and_its_tag_are_the_same_thing(path: tuple[str, ...]) -> None:
    tag = Tag("category", path)
    assert Tag.from_id(tag.id) == tag and tag.id.count("/") == len(path)


@pytest.mark.parametrize("identity", ["", "category", "category/", "/Shoes", "category//Shoes"])
def test_what_is_no_identity_is_refused(identity: str) -> None:
    with pytest.raises(ValueError, match="is not a tag"):
        Tag.from_id(identity)


@pytest.mark.parametrize(
    ("facets", "tags", "told"),
    [
        ((CATEGORY,), ("category/A/B", "category/A"), "has no parent 'category/A' before it"),
        ((CATEGORY,), ("category/A", "category/A"), "stands twice"),
        ((CATEGORY,), ("colour/A",), "declared: category"),
        ((CATEGORY, CATEGORY), (), "the same name"),
    ],
)
def test_a_taxonomy_checks_itself(facets: tuple[Facet, ...], tags: tuple[str, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Taxonomy(facets, tuple(map(Tag.from_id, tags)))


@pytest.mark.parametrize(
    "options",
    [
        {"name": "", "columns": ("c",)},
        {"name": "a/b", "columns": ("c",)},
        {"name": "a", "columns": ()},
        {"name": "a", "columns": ("c", "d"), "separator": "|", "exclusive": False},
        {"name": "a", "columns": ("c",), "separator": "|", "exclusive": True},
    ],
)
def test_a_facet_checks_itself(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="facet"):
        Facet(**options)  # type: ignore[arg-type]


def test_no_child_scores_above_its_parent_for_any_scores() -> None:
    raw = np.random.default_rng(0).uniform(size=(200, len(TAGS))).astype(np.float32)
    lifted = TAXONOMY.consistent(raw)
    for place, parent in enumerate(TAXONOMY.parents):
        if parent >= 0:
            assert (lifted[:, place] <= lifted[:, parent]).all()
    leaves = [place for place in range(len(TAGS)) if place not in TAXONOMY.children]
    np.testing.assert_array_equal(lifted[:, leaves], raw[:, leaves])
    assert (lifted >= raw).all()


def test_the_best_path_weighs_every_level() -> None:
    # Dress is the highest leaf by a hair, but nothing else speaks for Apparel.
    assert names(TAXONOMY.best_path("category", scores(0.9, 0.1, 0.6, 0.1, 0.61, 0, 0))) == ["Footwear", "Shoe"]
    assert names(TAXONOMY.best_path("category", scores(0.5, 0.1, 0.3, 0.4, 0.9, 0, 0))) == ["Apparel", "Dress"]


def test_the_first_of_equal_paths_wins() -> None:
    assert names(TAXONOMY.best_path("category", scores(0, 0, 0, 0, 0, 0, 0))) == ["Footwear", "Boot"]


def test_an_exclusive_facet_answers_with_one_path_down_to_its_threshold() -> None:
    half = np.full(len(TAGS), 0.5, np.float32)
    assert names(TAXONOMY.decode(scores(0.9, 0.8, 0.9, 0.7, 0.6, 0, 0), half)) == ["Footwear", "Shoe"]
    assert names(TAXONOMY.decode(scores(0.9, 0.1, 0.3, 0.2, 0.1, 0, 0), half)) == ["Footwear"]
    assert names(TAXONOMY.decode(scores(0.4, 0.1, 0.3, 0.2, 0.1, 0, 0), half)) == []


def test_an_any_of_facet_answers_with_every_tag_at_its_threshold() -> None:
    thresholds = scores(1, 1, 1, 1, 1, 0.3, 0.7)
    assert names(TAXONOMY.decode(scores(0, 0, 0, 0, 0, 0.3, 0.69), thresholds)) == ["logo"]
    assert names(TAXONOMY.decode(scores(0, 0, 0, 0, 0, 0.4, 0.71), thresholds)) == ["logo", "pocket"]


def one_by_one(taxonomy: Taxonomy, raw: list[float], thresholds: list[float]) -> tuple[list[float], list[int]]:
    """The rules of consistent and decode again, tag by tag."""
    parents, lifted = taxonomy.parents.tolist(), list(raw)
    for place in reversed(range(len(raw))):
        if parents[place] >= 0:
            lifted[parents[place]] = max(lifted[parents[place]], lifted[place])
    answer: list[int] = []
    for facet in taxonomy.facets:
        places = taxonomy.places(facet.name)
        if facet.exclusive:
            paths = []
            for leaf in (place for place in places if place not in parents):
                path = [leaf]
                while parents[path[0]] >= 0:
                    path.insert(0, parents[path[0]])
                paths.append(path)
            places = max(paths, key=lambda path: sum(raw[place] for place in path) / len(path), default=[])
        for place in places:
            if lifted[place] >= thresholds[place] and (parents[place] < 0 or parents[place] in answer):
                answer.append(place)
    return lifted, sorted(answer)


@pytest.mark.parametrize("seed", range(150))
def test_any_taxonomy_answers_as_it_does_tag_by_tag(seed: int) -> None:
    generator = np.random.default_rng(seed)
    facets = tuple(
        Facet(f"f{n}", ("c",), exclusive=bool(generator.integers(2))) for n in range(generator.integers(1, 4))
    )
    tags: list[Tag] = []
    for place in range(generator.integers(0, 40)):
        facet = f"f{generator.integers(len(facets))}"
        above = [(), *(tag.path for tag in tags if tag.facet == facet)]
        tags.append(Tag(facet, (*above[generator.integers(len(above))], str(place))))
    taxonomy = Taxonomy(facets, tuple(tags))
    # Few levels make many ties; sums of quarters are exact in any order.
    batch = generator.choice([0, 0.25, 0.5, 0.75, 1], (3, 2, len(tags))).astype(np.float32)
    thresholds = generator.choice([0.25, 0.5, 0.75], len(tags)).astype(np.float32)
    lifted = taxonomy.consistent(batch)
    assert lifted.shape == batch.shape and lifted.dtype == np.float32
    for row, own in zip(batch.reshape(6, -1), lifted.reshape(6, -1), strict=True):
        expected, answer = one_by_one(taxonomy, row.tolist(), thresholds.tolist())
        assert own.tolist() == expected
        assert taxonomy.decode(row, thresholds) == answer


@pytest.mark.parametrize("size", ["facets", "tags", "levels"])
def test_a_taxonomy_has_limits(size: str) -> None:
    deep = tuple(Tag("category", ("a",) * level) for level in range(1, 66))
    facets = tuple(Facet(str(place), ("c",)) for place in range(1001)) if size == "facets" else (CATEGORY,)
    many = tuple(Tag("category", (str(place),)) for place in range(100_001)) if size == "tags" else ()
    with pytest.raises(ValueError, match="at most"):
        Taxonomy(facets, deep if size == "levels" else many)
