"""What a node is and what is known of it at the playhead."""
