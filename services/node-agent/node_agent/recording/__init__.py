"""Where sound comes from: recorders, and how a recording is cut into audios."""
