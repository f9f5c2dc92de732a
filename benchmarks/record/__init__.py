"""What every benchmark shares as a command: flags in, times taken, tables and records out."""
