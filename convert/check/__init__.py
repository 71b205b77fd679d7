"""Will this `.tflite` run there? Rules of each target, from its own documents and sources, against the file's facts."""
