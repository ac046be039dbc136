"""What moves on the canvas: values forward, gradients back, sums forming, parameters rolling to their new value.

`plan` says what one event moves, `moment` where everything is at a time between 0 and 1, `painter` draws it over the
still picture; `stream` is the same for many events at a time. All of these are pure functions. `motion` is their clock
in the window, `film` makes pictures without one.
"""
