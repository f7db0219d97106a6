"""The labeling page: what a labeler hears, marks and submits."""
