"""Towers that come from elsewhere: a timm trunk for images, a sentence encoder for texts.

Together they are what open_clip calls a ``CustomTextCLIP``. Weights are read from local files,
never from a hub.
"""
