"""The same numbers in another place or another form: views, permutations, joining and splitting."""
