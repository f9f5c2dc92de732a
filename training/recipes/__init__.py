"""Named training runs, as data: a file a recipe, whose docstring states its command, hardware, time
and score. A new recipe is one more file with a function ``config``.
"""
