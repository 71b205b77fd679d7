"""What models do on a labelled split, as one HTML page to look at: tables, charts, and the photos they get wrong."""
