"""Train a multi-label tagger and prepare it for int8. Needs `pip install edge-tagger[train]`."""
