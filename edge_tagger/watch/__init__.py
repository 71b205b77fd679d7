"""Tags of what a camera, a video or a folder shows, as it comes."""
