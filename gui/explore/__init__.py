"""Finding one's way in the graph: marking, searching, colours by measure, what lies up- and downstream, paths."""
