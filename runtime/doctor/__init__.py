"""What this machine has, for ``mgca-rt doctor``: a probe a file, each a section of the report.

A probe's ``examine`` runs in the command's own process and imports nothing that may be broken;
what it has to load, open or call is done by a function that :func:`.child.ask` runs in a process of
its own, with a time limit. So a package that hangs or crashes is a line of the report.
"""
