"""Where results go: overlay video, label images, JSON lines, a report, a window.

A new output is one file in this package with one class, a :class:`~runtime.sinks.base.Sink` under
:func:`~runtime.sinks.registry.register`: its flags, its checks, its record for the report and its
line of the summary. See :mod:`runtime.sinks.output_file` for what happens to files that exist
already.
"""

from __future__ import annotations
