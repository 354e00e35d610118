"""Multi-label emotion classification: what the stages and the command line share."""
