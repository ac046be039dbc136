"""Every gradient done again by hand: formulas with numbers, terms, proofs, and the way upstream."""
