"""Whole catalogues: photos streamed from folders and CSVs, tagged once and kept in a journal, written out in one go."""
