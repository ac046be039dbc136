"""“Export graph…”: pictures, films and data of the graph that is shown.

`options` says what can be chosen, `subject` what is exported, `orders`, `films` and `data` write it, `jobs` lets them
do so without holding up the window, `dialog` asks, `commands` belongs to the actions.
"""
