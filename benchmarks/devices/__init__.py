"""Where a benchmark runs, one module for each kind of device."""
