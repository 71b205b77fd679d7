"""Where in a photo a tag's score comes from, computed on the device from the `.tflite` itself."""
