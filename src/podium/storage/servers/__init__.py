"""
Servers on which DVC remotes are: how each kind is asked, how long it is put up with, and what its failures mean.

Nothing here knows of caches, versions or configurations: it is handed a file system of DVC's, and names of objects.
"""
