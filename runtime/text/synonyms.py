"""Names that mean the same thing: plurals, kinds of a thing, and known groups of words.

What a bundle's own embeddings can tell is asked elsewhere (:mod:`runtime.text.background`); here
stands what English tells.
"""

from __future__ import annotations

from collections.abc import Iterable

from runtime.bundle.vocabulary import name_key

__all__ = ["equal_names", "plain_forms", "related_things", "same_thing", "word_forms"]

_ARTICLES = frozenset({"a", "an", "the"})

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
    ["building", "house", "edifice"],
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
    "person": ("man woman child boy girl kid baby passenger skier surfer skateboarder firefighter "
               "soldier doctor nurse chef waiter teacher student farmer musician dancer").split(),
    "child": ["boy", "girl", "kid"],
    "car": ["taxi", "cab", "sedan", "hatchback"],
    "boat": ["sailboat", "rowboat", "ferry", "canoe"],
    "building": ["skyscraper", "apartment block", "tower block", "church"],
    "water": ["river", "lake", "pond", "sea", "ocean", "stream"],
    "animal": ("dog puppy cat kitten horse pony cow sheep goat pig donkey deer elk bear panda wolf "
               "fox rabbit squirrel mouse rat hedgehog lion tiger leopard elephant giraffe zebra "
               "rhinoceros hippopotamus monkey gorilla kangaroo camel bird chicken duck goose swan "
               "fish turtle frog snake lizard crocodile").split(),
    "food": ("bread sandwich burger pizza pasta rice soup salad meat sausage egg cheese cake "
             "doughnut donut biscuit chocolate fruit apple banana orange vegetable carrot "
             "broccoli tomato potato").split() + ["hot dog", "ice cream"],
    "clothes": ("jacket coat shirt sweater dress skirt trousers jeans shorts suit uniform "
                "clothing").split(),
    "dog": ["puppy", "hound"],
    "cat": ["kitten"],
}  # fmt: skip
#: One row a kind of things: not the same, but what to offer who asks for one that is not known.
_RELATED = [
    ["car", "van", "minivan", "suv", "pickup", "truck", "bus", "vehicle", "trailer", "tram"],
    ["bicyclist", "motorcyclist", "bicycle", "motorcycle", "scooter", "rider"],
    ["dog", "cat", "horse", "cow", "sheep", "pig", "goat", "animal", "pet"],
    ["boat", "ferry", "canoe", "kayak", "raft"],
    ["tree", "bush", "shrub", "hedge", "forest", "wood", "woods", "palm"],
    ["grass", "field", "meadow", "plant", "ground"],
    ["sand", "soil", "earth", "dirt", "ground", "gravel", "desert"],
    ["building", "wall", "roof", "tower", "garage", "shop", "bridge"],
    ["fence", "wall", "hedge", "gate", "barrier"],
    ["pole", "traffic light", "mast"],
    ["sign", "traffic light", "billboard", "banner"],
    ["pavement", "curb", "kerb", "path", "crosswalk"],
    ["road", "crosswalk", "bridge", "path", "parking lot"],
    ["sky", "cloud", "sun", "fog", "smoke"],
    ["person", "face", "head", "skier", "surfer", "player"],
]  # fmt: skip
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


def plain_forms(name: str) -> list[str]:
    """The singulars that a name may stand for, then the name; an article in front is taken off.

    A phrase with another article in it keeps all its words: it says more than a name.

    >>> plain_forms("The Cars"), plain_forms("people"), plain_forms("a")
    (['car', 'cars'], ['person', 'people'], ['a'])
    """
    words = name_key(name).split()
    if len(words) > 1 and words[0] in _ARTICLES and not _ARTICLES & set(words[1:]):
        words = words[1:]
    bare = " ".join(words)
    return [*sorted(word_forms(bare) - {bare}), bare]


def related_things(name: str, known: Iterable[str]) -> list[str]:
    """Of the known names, those that mean the same, then those of the same kind of things.

    >>> related_things("van", ["sky", "bus", "car"]), related_things("lorries", ["truck", "car"])
    (['car', 'bus'], ['truck', 'car'])
    """
    names = list(known)
    same = [other for other in names if same_thing(name, other)]
    same = [one for one in same if not any(_is_kind(one, other) for other in same)]
    forms = _spread(word_forms(name))
    rows = [row for row in _RELATED if forms & set(row)]
    kin = [other for row in rows for other in row if other in names]
    return list(dict.fromkeys([*same, *kin]))


def _spread(forms: set[str]) -> set[str]:
    """The forms and every word of a group with one of them."""
    groups = _groups(forms)
    return forms | {word for word, numbers in _GROUPS_OF.items() if numbers & groups}


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


def equal_names(one: str, other: str) -> bool:
    """Whether two names are one word's forms, or stand in one row of the known groups as they are.

    Narrower than :func:`same_thing`: what is only a kind of the other is another name.

    >>> equal_names("houses", "building"), equal_names("red car", "car")
    (True, False)
    >>> equal_names("taxi", "car")
    False
    """
    ones, others = word_forms(one), word_forms(other)
    return bool(ones & others) or any(ones & set(row) and others & set(row) for row in _GROUPS)


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
