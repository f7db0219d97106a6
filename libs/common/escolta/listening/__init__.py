"""Who hears an audio, and what a group's answers come to: rules without tables, for work and for trials."""
