"""A recorded tensor as heat map, histogram, statistics and table."""
