"""Data, no code: the Gradle module that `edge-tagger bundle --android` copies. As a package, it lands in the wheel."""
