"""Many numbers become one: sums, means, products, extremes, norms."""
