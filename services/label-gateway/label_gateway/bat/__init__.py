"""Teams that label in BAT (BMAT Annotation Tool) go on doing so: what goes out to it, and what comes in."""
