"""Data files of the package; see the files beside this one."""
