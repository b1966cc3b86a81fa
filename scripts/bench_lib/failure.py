class Failure(Exception):
    """Ends the run, or one line of it, with this one line of text."""
