"""Media that is damaged on purpose, read by the runtime's own sources in processes of their own.

``python -m benchmarks.hostile_streams --cases N --seed S``
"""
