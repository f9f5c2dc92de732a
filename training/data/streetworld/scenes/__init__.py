"""How the things come together: kinds of scenes."""
