"""The recording: one SQLite file that holds what autograd did. docs/recording-format.md describes it."""
