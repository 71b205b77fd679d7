"""What photos' files say: the boxes, coded sizes and colour profiles that OpenCV does not tell."""
