"""Write verified .tflite files from a run. Needs `pip install edge-tagger[train]`."""
