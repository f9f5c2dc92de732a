"""Names that mean the same thing: plurals, kinds of a thing, and known groups of words.

What a bundle's own embeddings can tell is asked elsewhere (:mod:`runtime.text.background`); here
stands what English tells.
"""

from __future__ import annotations

from runtime.bundle.vocabulary import name_key

__all__ = ["same_thing", "word_forms"]

_IRREGULAR = {
    "people": "person", "persons": "person", "men": "man", "women": "woman", "children": "child",
    "mice": "mouse", "geese": "goose", "feet": "foot", "teeth": "tooth", "leaves": "leaf",
    "knives": "knife", "wolves": "wolf", "shelves": "shelf", "calves": "calf", "halves": "half",
    "loaves": "loaf", "scarves": "scarf", "wives": "wife", "lives": "life", "oxen": "ox",
    "policemen": "policeman", "firemen": "fireman", "cacti": "cactus", "dice": "die",
}  # fmt: skip
#: They look like plurals of something else.
_NO_PLURALS = frozenset({"glasses", "news", "series", "species", "grass"})
#: One row a thing. Each word of a row may stand for each other; a row holds no two things that a
#: picture shows apart, as road and sidewalk are.
_GROUPS = [
    ["person", "human", "human being", "pedestrian", "passerby", "walker", "adult", "crowd"],
    ["bicyclist", "cyclist", "biker", "bike rider", "bicycle rider"],
    ["motorcyclist", "motorbike rider", "motorcycle rider"],
    ["bicycle", "bike", "cycle", "push bike"],
    ["motorcycle", "motorbike"],
    ["car", "automobile", "auto", "motorcar"],
    ["bus", "coach", "omnibus"],
    ["truck", "lorry"],
    ["airplane", "aeroplane", "plane", "aircraft"],
    ["boat", "ship", "vessel"],
    ["building", "edifice"],
    ["taxi", "cab"],
    ["road", "street", "roadway", "highway", "carriageway", "lane", "asphalt", "tarmac"],
    ["pavement", "sidewalk", "footpath", "footway"],
    ["tree", "treetop"],
    ["grass", "lawn", "turf"],
    ["flower", "blossom", "bloom"],
    ["plant", "vegetation"],
    ["fence", "railing", "guard rail", "paling"],
    ["pole", "post", "lamppost", "lamp post", "street lamp", "streetlight", "column"],
    ["sign", "traffic sign", "road sign", "street sign", "signboard", "signpost"],
    ["traffic light", "traffic signal", "stoplight"],
    ["cat", "kitty"],
    ["cow", "cattle"],
    ["sofa", "couch", "settee"],
    ["tv", "television", "tv set", "tv monitor"],
    ["rug", "carpet"],
    ["sun", "sunlight"],
    ["sea", "ocean"],
    ["sand", "beach"],
    ["rock", "stone", "boulder"],
    ["trash can", "garbage can", "dustbin", "rubbish bin"],
    ["cell phone", "mobile phone", "smartphone"],
]  # fmt: skip
#: Kinds of a thing that do not have its name in theirs: each means the thing, but not each other.
_KINDS = {
    "person": ["man", "woman", "child", "boy", "girl", "kid"],
    "child": ["boy", "girl", "kid"],
    "car": ["taxi", "cab", "sedan", "hatchback"],
    "boat": ["sailboat", "rowboat", "ferry", "canoe"],
    "building": ["house", "skyscraper", "apartment block", "tower block", "church"],
    "water": ["river", "lake", "pond", "sea", "ocean", "stream"],
    "dog": ["puppy", "hound"],
    "cat": ["kitten"],
}
_GROUPS_OF: dict[str, set[int]] = {}
_PAIRS = [[thing, kind] for thing, kinds in _KINDS.items() for kind in kinds]
for _number, _row in enumerate([*_GROUPS, *_PAIRS]):
    for _word in _row:
        _GROUPS_OF.setdefault(_word, set()).add(_number)


def word_forms(name: str) -> set[str]:
    """A name and what it may be the plural of; a form that is no word does no harm.

    >>> sorted(word_forms("city buses"))
    ['city bus', 'city buse', 'city buses']
    """
    before, _, last = name_key(name).rpartition(" ")
    forms = {last}
    if last in _IRREGULAR:
        forms.add(_IRREGULAR[last])
    if last in _NO_PLURALS:
        return {name_key(name)}
    if len(last) > 3 and last.endswith("s") and not last.endswith("ss"):
        forms.add(last[:-1])
        if last.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
            forms.add(last[:-2])
        if last.endswith("ies"):
            forms.add(last[:-3] + "y")
    return {f"{before} {form}".strip() for form in forms}


def same_thing(one: str, other: str) -> bool:
    """Whether two names mean the same, one is a plural of the other, or one a kind of the other.

    A kind has the other as its last words: a "purple bus" is a bus, a "bus stop" is not.

    >>> same_thing("pedestrians", "person"), same_thing("road", "sidewalk")
    (True, False)
    """
    ones, others = word_forms(one), word_forms(other)
    for form in ones:
        for another in others:
            if form == another or _is_kind(form, another) or _is_kind(another, form):
                return True
    return bool(_groups(ones) & _groups(others))


def _is_kind(one: str, other: str) -> bool:
    return one.endswith(" " + other)


def _groups(forms: set[str]) -> set[int]:
    """The groups of a name, or of its last words where it stands in none itself."""
    words = max((form.split() for form in forms), key=len)
    for start in range(len(words)):
        found: set[int] = set()
        for form in forms:
            found |= _GROUPS_OF.get(" ".join(form.split()[start:]), set())
        if found:
            return found
    return set()
