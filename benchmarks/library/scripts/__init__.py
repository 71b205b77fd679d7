"""What a user would write, once with each library. Each runs as `python FILE` in a process of its own.

They print a line whenever something is done and wait for one on standard input, so that what started them can take
the time and look at their memory. Their imports stand inside main(), for they are part of what is measured.
"""
