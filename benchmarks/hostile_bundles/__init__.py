"""Bundles as an attacker would write them: made by the thousand, each opened and run apart.

``corpus`` has what is changed, the ``*_mutations`` modules change one kind of file each, ``mutant``
puts a changed bundle together, ``trial`` is what a worker does with it, and ``worker`` holds the
worker to its memory, time and files. Nothing here is an input that is known to break anything: it
is drawn anew from a seed.
"""

from __future__ import annotations
