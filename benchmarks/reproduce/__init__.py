"""The published tables again, from exported bundles: one command, begun again where it stopped."""
