"""What a noun is a kind of: who names a man names a person.

A patch of a man is taught "man" against all other nouns of its batch, "person" among them, and
whoever asks for persons later gets none. So an image whose captions name a man names a person too.
Two things are known without a dictionary of the language: a compound is a kind of what its last
word says ("tennis ball": "ball"), and the words for people, which captions of photographs use most,
are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from training.data.nouns import Nouns

PERSON = "person"
PEOPLE = frozenset(
    """acrobat actor adult artist athlete audience baby bicyclist bicycler biker bmxer boater boxer
    boy boyfriend bride brother bystander canoeist cheerleader chef child climber clown couple
    cowboy crowd cyclist dancer daughter diver driver drummer family fan farmer father female
    fisherman friend gentleman girl girlfriend goalie groom guitarist guy gymnast hiker human infant
    jogger jumper kayaker kid lady lifeguard male man mother motorcyclist musician officer onlooker
    owner painter parent passenger pedestrian performer photographer player policeman preschooler
    racer referee rider rollerblader runner sailor shopper singer sister skateboarder skater skier
    sledder snowboarder soldier son spectator student surfer swimmer teammate teenager teen toddler
    tourist vendor wakeboarder walker woman worker wrestler""".split()
)


@dataclass(frozen=True)
class NounsWithKinds:
    """Nouns and what they are kinds of.

    Attributes:
        nouns: that finds the nouns themselves.
    """

    nouns: Nouns

    def nouns_of(self, captions: Iterable[str]) -> list[str]:
        """The different nouns of one image's captions and their kinds, sorted."""
        found = self.nouns.nouns_of(captions)
        return sorted({*found, *(kind for noun in found for kind in kinds_of(noun))})


def kinds_of(noun: str) -> Iterator[str]:
    """What a noun is a kind of.

    Args:
        noun: as a singular; may have several words.

    >>> list(kinds_of("football player"))
    ['player', 'person']
    """
    *_, head = noun.split()
    if head != noun:
        yield head
    if head in PEOPLE:
        yield PERSON
