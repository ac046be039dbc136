"""The process that runs the user's script under capture, and the words in which it talks to the window."""
