"""Whoever is forked from a process that imported this has what was loaded before as it is: no collector touches it."""

import gc

gc.freeze()
