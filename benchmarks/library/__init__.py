"""`Tagger` held against bare LiteRT and MediaPipe Tasks: `python -m edge_tagger.benchmarks.library`."""
