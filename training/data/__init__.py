"""Where image-text pairs come from: the generated StreetWorld and readers of files."""
