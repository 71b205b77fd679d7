"""Seconds that suit most sources; a module of its own, so that the command line can show them without loading numpy."""

SMOOTHING_S = 1.0  # over which scores are averaged
HOLD_S = 0.5  # that a change must last to be told
STILL_S = 1.0  # for which a photo in a folder must not have changed
