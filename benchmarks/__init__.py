"""Latency and memory of .tflite files, measured where they will run."""
