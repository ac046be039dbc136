"""The desk: where the arithmetic is done that the window shows, in a process of its own.

`python -m engine.desk` reads a request a line and answers each with a line (see `engine.desk.serve`), so that no sum
over a large tensor ever keeps the window waiting for the interpreter.
"""
